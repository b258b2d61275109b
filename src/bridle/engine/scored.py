"""What members predicted for the rows that score them, epoch by epoch: the evidence behind a score."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bridle.core.draws import generator
from bridle.engine import checkpoint
from bridle.engine.setting import Setting
from bridle.population import Member

ROWS = 2000
"""Predictions of at most so many score rows of a fold are kept."""


def kept_rows(rows: NDArray[np.int64], fold: int) -> NDArray[np.int64]:
    """The places in ``rows`` whose predictions are kept: all, or a random choice that depends on the fold alone."""
    return some_places(len(rows), ROWS, "scored rows", fold)


def some_places(count: int, most: int, *key: int | str) -> NDArray[np.int64]:
    """At most ``most`` of ``count`` places, ascending: all, or a random choice keyed by ``key``."""
    if count <= most:
        return np.arange(count, dtype=np.int64)
    return np.sort(torch.randperm(count, generator=generator(*key))[:most].numpy())


def write(member: Member, folder: Path, rows: NDArray[np.int64], predicted: Sequence[NDArray[np.float32]]) -> None:
    """Keep what a member predicted, an array per epoch; nothing where nothing scored it."""
    if predicted:
        kept = rows[kept_rows(rows, member.fold.number)]
        tensors = {"rows": torch.from_numpy(kept), "predicted": torch.from_numpy(np.stack(predicted))}
        checkpoint.write(folder / f"{member.name}.scored", tensors, {"member": member.name})


def read(member: Member, setting: Setting) -> tuple[NDArray[np.int64], NDArray[np.float32]] | None:
    """The row numbers ``(N,)``, and by epoch their probabilities ``(E, N, C)`` or numbers ``(E, N)``.

    ``None`` where nothing was kept, for a member that failed or has no score rows.
    """
    file = None if setting.folder is None else setting.folder / f"{member.name}.scored"
    if file is None or not file.exists():
        return None
    tensors, _ = checkpoint.read(file)
    return tensors["rows"].numpy(), tensors["predicted"].numpy()
