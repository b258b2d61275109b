"""``bridle audit``: what a training script really does."""

from pathlib import Path
from typing import Annotated

import typer

from bridle.cli.guard import guarded, importing


def audit(
    script: Annotated[Path, typer.Argument(metavar="SCRIPT", help="A training script, run as python would.")],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="-- ARGS", help="Its own arguments.")] = None,
    epochs: Annotated[
        int, typer.Option(min=0, metavar="N", help="Validations after which to stop; 0 stops after the first step.")
    ] = 0,
    form: Annotated[str, typer.Option("--format", metavar="text|json|sarif", help="How to print.")] = "text",
) -> None:
    """Run a training script and tell what is wrong with it.

    Found are penalties without effect, noise in validation, rows on both sides of the split and more. The script is
    not changed, and stopped after its first step or its first validations. What it prints goes to the
    error stream. The exit status is 1 when a finding is an error.
    """
    with guarded():
        with importing():
            from bridle.auditing.script import audit_script
            from bridle.report.traced import check_format, written
        check_format(form)
        traced = audit_script(script, arguments or (), epochs=epochs)
        typer.echo(written(traced, form))
    if traced.failed:
        raise typer.Exit(1)
