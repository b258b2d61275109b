"""``bridle preview``: what the network will see."""

from pathlib import Path
from typing import Annotated

import typer

from bridle.cli import options
from bridle.cli.guard import guarded, importing


def preview(
    data: Annotated[str, typer.Argument(metavar="DATA", help="Data as for 'bridle fit'.")],
    recipe: Annotated[Path, typer.Option(help="The recipe whose augmentations are shown.")],
    out: Annotated[Path | None, typer.Option(help="The file to write; by default preview.png for images.")] = None,
    target: options.Target = None,
    task: options.Task = None,
    size: options.Size = None,
    drop: options.Drop = None,
    categorical: options.Categorical = None,
    bad_images: options.BadImages = "refuse",
    count: Annotated[int | None, typer.Option(min=1, help="How many examples; by default 8, of a table 3.")] = None,
    views: Annotated[int, typer.Option(min=1, help="How many augmented views of each.")] = 5,
    seed: Annotated[int, typer.Option(help="Keys the draws, as in 'bridle fit'.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
) -> None:
    """Show what the recipe's augmentations make of the data.

    Each row is one example: as it is, then as the network sees it in the first epochs. A table is printed.
    """
    arguments = locals() | {"drop": tuple(drop or ()), "categorical": tuple(categorical or ())}
    with guarded():
        with importing():
            from bridle import preview as show

        typer.echo(show(**arguments))
