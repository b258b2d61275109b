"""Names for what the user did not name."""

from pathlib import Path
from typing import Any

_FORMATS = (".gz", ".csv", ".tsv", ".parquet", ".npz", ".zip")


def data_name(data: Any) -> str:
    """A short name for data: the last part of a path without its format, or ``"data"`` for what has no path."""
    if not isinstance(data, str | Path):
        return "data"
    name = Path(data).name or Path(data).resolve().name
    while name.lower().endswith(_FORMATS):
        name = name[: name.rindex(".")]
    return name.strip(". ") or "data"


def default_folder(data: Any, root: str | Path = "runs") -> Path:
    """A folder for a run that does not exist yet: ``runs/digits``, then ``runs/digits-2`` and so on."""
    first = Path(root) / data_name(data)
    number, folder = 1, first
    while folder.exists() or folder.is_symlink():
        number += 1
        folder = first.with_name(f"{first.name}-{number}")
    return folder
