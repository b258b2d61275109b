"""Rows of a table and their augmented views as text, in the units of the file."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from bridle.core import Batch
from bridle.data.preprocess import BOUND, Preprocessing
from bridle.records import Task

WIDEST = 24
"""Longest cell in characters; the rest is cut."""


def row_tables(views: Sequence[Batch], names: Sequence[str], preprocessing: Preprocessing) -> str:
    """A small table per example: its columns and target as they are, then as in each view.

    Args:
        views: The originals, then each view of them.
        names: The name of each view.
        preprocessing: What made the inputs from the file's rows; it is undone here.
    """
    columns = [*(column.name for column in preprocessing.layout.columns), preprocessing.layout.target]
    blocks = []
    for place, number in enumerate(views[0].examples.tolist()):
        lines = [[f"row {number + 1}", *columns]]
        for name, view in zip(names, views, strict=True):
            target = _target(view.targets[place], preprocessing)
            lines.append([name, *_values(view.inputs[place], preprocessing), target])
        blocks.append(_aligned(lines))
    return "\n\n".join(blocks)


def _values(row: Tensor, preprocessing: Preprocessing) -> list[str]:
    """One prepared row in the file's units."""
    numeric, categorical = preprocessing.layout.numeric, preprocessing.layout.categorical
    numbers = row[: len(numeric)].double().numpy()
    bent = np.clip(numbers / BOUND, -1 + 1e-6, 1 - 1e-6)
    plain = BOUND * bent / np.sqrt(1 - bent**2) * preprocessing.scale + preprocessing.centre
    flags = iter(row[len(numeric) : len(numeric) + preprocessing.indicators].tolist())
    codes = row[len(numeric) + preprocessing.indicators :].tolist()
    shown = [
        "missing" if column.missing and next(flags) > 0.5 else f"{value:.5g}"
        for column, value in zip(numeric, plain, strict=True)
    ]
    for column, code in zip(categorical, codes, strict=True):
        shown.append(("unknown", "missing", *(column.categories or ()))[int(code)])
    return shown


def _target(target: Tensor, preprocessing: Preprocessing) -> str:
    """A class, a mixture of classes with their shares, or a number."""
    if preprocessing.layout.task is Task.REGRESSION:
        return f"{float(target):.5g}"
    shares = [
        (float(share), name) for share, name in zip(target, preprocessing.layout.classes, strict=True) if share >= 0.005
    ]
    if len(shares) == 1:
        return shares[0][1]
    return " + ".join(f"{share:.2f} {name}" for share, name in sorted(shares, reverse=True))


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    """Columns side by side: each of ``lines`` becomes one, as wide as its widest cell."""
    cut = [[_short(cell) for cell in line] for line in lines]
    widths = [max(map(len, line)) for line in cut]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
        for cells in zip(*cut, strict=True)
    )


def _short(cell: str) -> str:
    plain = "".join(sign if sign.isprintable() else "?" for sign in cell)
    return plain if len(plain) <= WIDEST else f"{plain[: WIDEST - 1]}…"
