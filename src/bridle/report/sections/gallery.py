"""Augmented samples beside their originals, as pictures inside the page."""

import base64
from pathlib import Path
from typing import Any

from bridle.records import Evidence

PNG = b"\x89PNG\r\n\x1a\n"


def content(evidence: Evidence, folder: Path) -> dict[str, Any] | None:
    """Pictures as data URIs; one that is missing is ``None`` and the page says so.

    Args:
        evidence: Names the pictures.
        folder: Where they lie. Nothing outside of it is read, whatever a name says.
    """
    if not evidence.gallery:
        return None
    samples = [
        {
            "label": sample.label,
            "original": _picture(folder, sample.original),
            "augmented": [_picture(folder, name) for name in sample.augmented],
        }
        for sample in evidence.gallery
    ]
    return {"samples": samples}


def _picture(folder: Path, name: str) -> str | None:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        return None
    content = path.read_bytes()
    if not content.startswith(PNG):
        return None
    return f"data:image/png;base64,{base64.b64encode(content).decode('ascii')}"
