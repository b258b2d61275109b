"""``bridle report``: render a run's report again."""

from typing import Annotated

import typer

from bridle.cli.guard import guarded


def report(run: Annotated[str, typer.Argument(metavar="RUN", help="The folder of a run.")]) -> None:
    """Render the report of a run again, from its evidence."""
    with guarded():
        import bridle

        typer.echo(bridle.load(run).report())
