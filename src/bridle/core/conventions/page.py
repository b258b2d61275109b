"""The table for readers, ``docs/conventions.md``: ``python -m bridle.core.conventions.page`` writes it out."""

from collections.abc import Mapping

import bridle.core.conventions
from bridle.core.conventions.convention import HALF_MEAN, MEAN, OWN, QUANTITIES, STRENGTHS, SUM, Convention, spelled
from bridle.core.conventions.spelling import write_call
from bridle.core.conventions.table import CONVENTIONS

_HEAD = """# One strength, all conventions

The table is `src/bridle/core/conventions/table.py`; this page is made from it, and a test keeps the two equal.

```
bridle convert "keras.L2(0.01)" --to torch
```
```python
bridle.L2.from_keras(0.01)
bridle.L2.from_sklearn_ridge(1.0, examples=442)
bridle.convert("torch.SGD(weight_decay=1e-4)", to="sklearn.Ridge", examples=442)
print(recipe.explain(examples=442))
```
"""
_BESIDE = {MEAN: "the mean", OWN: "the script's own, as a mean", HALF_MEAN: "half the mean square", SUM: "the sum"}
_EXAMPLE: Mapping[str, float] = {
    "examples": 1000,
    "batch_size": 50,
    "momentum": 0.9,
    "learning_rate": 0.001,
    "target_std": 2.0,
    "noise_std": 0.5,
}


def page() -> str:
    """The page as Markdown."""
    essay = (bridle.core.conventions.__doc__ or "").partition("\n\n")[2].replace("``", "`").strip()
    given = ", ".join(f"{name} {value:g}" for name, value in _EXAMPLE.items()).replace("_", " ")
    stated = [row for row in CONVENTIONS.values() if row.states]
    parts = [_HEAD, essay, ""]
    for strength in STRENGTHS:
        parts += [
            f"## {strength} = 0.01: {STRENGTHS[strength]}\n",
            f"With {given}.\n",
            "| written | what it does | data loss | needs | note | source |",
            "|---|---|---|---|---|---|",
            *(_line(row, strength) for row in stated if strength in row.states and row.name != "textbook.unit_prior"),
            "",
        ]
    parts += ["`textbook.unit_prior` (L + 1/2 ||theta||^2) has l2 = 1 and cannot be turned.\n"]
    parts += ["## No fixed equivalent\n", "| source | what it does | why not |", "|---|---|---|"]
    parts += [_cells(f"`{row.name}`", row.formula, row.why_not) for row in CONVENTIONS.values() if not row.states]
    parts += ["", "## Quantities\n", *(f"- `{name}`: {quantity.meaning}" for name, quantity in QUANTITIES.items())]
    return "\n".join(parts) + "\n"


def _line(row: Convention, strength: str) -> str:
    text = write_call(row.name, spelled(row, {strength: 0.01}, _EXAMPLE))
    return _cells(f"`{text}`", row.formula, _BESIDE[row.beside], ", ".join(row.needs), row.note, row.evidence)


def _cells(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    import sys

    sys.stdout.write(page())
