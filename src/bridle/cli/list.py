"""``bridle list``: the catalogue of regularizers."""

from typing import TYPE_CHECKING, Annotated

import typer

from bridle.cli.guard import guarded

if TYPE_CHECKING:
    from rich.table import Table

    from bridle.regularizers.describe import Description


def list_regularizers(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Show this one in full.")] = None,
) -> None:
    """Show the regularizers that a recipe can name, or one in full.

    They are listed in the order in which they act in a training step.
    """
    with guarded():
        from rich.console import Console

        from bridle.regularizers.describe import describe_all, describe_one

        console = Console(highlight=False, markup=False)
        if name is None:
            console.print(_overview(describe_all()))
            return
        one = describe_one(name)
        console.print(f"{one.name} ({one.title}): {one.kind}\n\n{one.effect}\n".replace("``", ""))
        console.print(_settings(one))
        console.print(one.text.replace("``", ""))


def _overview(catalogue: "tuple[Description, ...]") -> "Table":
    table = _table("name", "kind", "dials", "effect")
    for one in catalogue:
        dials = [f"{setting.name} {setting.allowed}" for setting in one.settings if setting.is_dial]
        _add(table, one.name, one.kind, "\n".join(dials), one.effect)
    return table


def _settings(one: "Description") -> "Table":
    table = _table("setting", "allowed", "default", "searched", "meaning")
    for setting in one.settings:
        default = "needed" if setting.default is None else setting.default
        _add(table, setting.name, setting.allowed, default, setting.search, setting.meaning)
    return table


def _table(*columns: str) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _add(table: "Table", *cells: str) -> None:
    """A row of plain text: square brackets are bounds here, not rich's markup."""
    from rich.text import Text

    table.add_row(*(Text(cell.replace("``", "")) for cell in cells))
