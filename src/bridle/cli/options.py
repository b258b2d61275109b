"""Options that more than one command takes."""

from typing import Annotated

import typer

Target = Annotated[str | None, typer.Option(metavar="COL", help="The column to predict; by default the last one.")]
Task = Annotated[
    str | None, typer.Option(metavar="TASK", help="classification or regression; by default seen from the target.")
]
Size = Annotated[int | None, typer.Option(help="Height and width in pixels to which images are brought.")]
Drop = Annotated[list[str] | None, typer.Option(metavar="COL", help="A column to leave out. May be repeated.")]
Categorical = Annotated[
    list[str] | None, typer.Option(metavar="COL", help="A column of numbers that are categories. May be repeated.")
]
BadImages = Annotated[
    str, typer.Option("--bad-images", metavar="refuse|skip", help="What to do with images that cannot be read.")
]
Model = Annotated[
    str | None,
    typer.Option(metavar="pkg.mod:name", help="Your network: a function that returns a torch Module, or a class."),
]
Loss = Annotated[
    str | None,
    typer.Option(metavar="pkg.mod:name", help="Your loss: a function of (output, target), one value per example."),
]
