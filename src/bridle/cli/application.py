"""The commands put together. Importing this must stay cheap: each command imports what it needs when it runs."""

from typing import Annotated

import typer

from bridle.cli.audit import audit
from bridle.cli.convert import convert
from bridle.cli.features import features
from bridle.cli.fit import fit
from bridle.cli.list import list_regularizers
from bridle.cli.predict import predict
from bridle.cli.preview import preview
from bridle.cli.report import report


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"bridle {version('bridle')}")
        raise typer.Exit


def bridle(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Keep deep networks from overfitting: apply regularizers exactly, choose them honestly, measure what they did."""


# Plain help and plain tracebacks: the rich ones cost a quarter of a second at each start.
application = typer.Typer(
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
application.callback()(bridle)
application.command()(fit)
application.command()(features)
application.command()(predict)
application.command()(preview)
application.command()(report)
application.command("list")(list_regularizers)
application.command()(convert)
application.command()(audit)
