"""``bridle convert``: one strength in all conventions."""

from typing import Annotated

import typer

from bridle.cli.guard import guarded


def convert(
    text: Annotated[str, typer.Argument(metavar="STRENGTH", help="As its source writes it: 'keras.L2(0.01)'.")],
    to: Annotated[
        str | None, typer.Option(metavar="NAME", help="A convention or library: sklearn.Ridge, torch; by default all.")
    ] = None,
    examples: Annotated[int | None, typer.Option(help="Examples in the training set.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Examples per step.")] = None,
    momentum: Annotated[float | None, typer.Option(help="Momentum of SGD.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Learning rate at its highest.")] = None,
    target_std: Annotated[
        float | None, typer.Option(help="Standard deviation of the target (1/n), for glmnet.")
    ] = None,
    noise_std: Annotated[float | None, typer.Option(help="Standard deviation of the observation noise.")] = None,
) -> None:
    """State a penalty's strength as other libraries do.

    The data loss that a strength stands beside decides what it means; each line says which that is.
    """
    arguments = locals()
    with guarded():
        from bridle import convert as state

        typer.echo(state(**arguments))
