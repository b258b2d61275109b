"""``bridle fit``: search what is free, train, test and report."""

from pathlib import Path
from typing import Annotated, Any

import typer

from bridle.cli import options
from bridle.cli.guard import guarded, importing


def fit(
    context: typer.Context,
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help="A table (csv, tsv, parquet), a folder of images per class, IDX or CIFAR files, an npz file, "
            "or a bundled name such as digits.",
        ),
    ] = None,
    recipe: Annotated[Path | None, typer.Option(help="A recipe; what is free in it is searched.")] = None,
    test: Annotated[
        str | None, typer.Option(metavar="DATA", help="Test data of the same form; by default a part is sealed off.")
    ] = None,
    target: options.Target = None,
    task: options.Task = None,
    size: options.Size = None,
    model: options.Model = None,
    loss: options.Loss = None,
    metric: Annotated[str | None, typer.Option(help="What chooses; by default log_loss or rmse.")] = None,
    folds: Annotated[int, typer.Option(help="Folds of the cross-validation.")] = 5,
    trials: Annotated[int | None, typer.Option(help="How many recipes a search tries.")] = None,
    budget: Annotated[
        str | None,
        typer.Option(metavar="BUDGET", help="What a search takes, such as 10m, '500 epochs' or '20 trials'."),
    ] = None,
    strategy: Annotated[
        str,
        typer.Option(metavar="tpe|random|grid|halving|hyperband|path", help="Which recipes are tried, and how far."),
    ] = "tpe",
    points: Annotated[
        int | None, typer.Option(help="Points of each range of a grid (5), or strengths of a path (20).")
    ] = None,
    repeats: Annotated[int, typer.Option(help="How often the rows are divided into folds anew.")] = 1,
    study: Annotated[
        str | None, typer.Option(metavar="FILE|URL", help="A database that several searches share: SQLite, PostgreSQL.")
    ] = None,
    study_name: Annotated[str, typer.Option(help="The name of the shared study.")] = "bridle",
    select: Annotated[
        str, typer.Option(metavar="best|one-se", help="The best mean, or the simplest within one standard error.")
    ] = "one-se",
    search_seeds: Annotated[int, typer.Option(help="Seeds that a search trains each recipe with on every fold.")] = 1,
    nested: Annotated[
        int, typer.Option(metavar="K", help="Repeat the whole search within K outer folds; takes K times longer.")
    ] = 0,
    ensemble: Annotated[
        bool, typer.Option("--ensemble", help="Keep and test the mean of the fold members, too.")
    ] = False,
    seeds: Annotated[
        int | None, typer.Option(help="Refits that are tested; by default 5, or 1 where nothing is searched.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Keys all randomness.")] = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="RUN", help="The run's folder, which must not exist; by default in runs/.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    workers: Annotated[int | None, typer.Option(help="Processes; by default as many as there are cores.")] = None,
    compiled: Annotated[
        bool, typer.Option("--compiled", help="Compile the step of packs; pays in searches of many minutes.")
    ] = False,
    attribute: Annotated[
        bool, typer.Option("--attribute", help="Also tell what each regularizer of the recipe is worth.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Leave out of the refit what is not needed; this attributes, too.")
    ] = False,
    learning_curve: Annotated[
        bool, typer.Option("--learning-curve", help="Also tell what more data would buy.")
    ] = False,
    stability: Annotated[
        bool, typer.Option("--stability", help="Also tell how often each feature of a table survives.")
    ] = False,
    laplace: Annotated[
        bool, typer.Option("--laplace", help="Test L2 by layer from the marginal likelihood beside the choice.")
    ] = False,
    drop: options.Drop = None,
    categorical: options.Categorical = None,
    group: Annotated[str | None, typer.Option(metavar="COL", help="Rows that share it stay together.")] = None,
    time: Annotated[str | None, typer.Option(metavar="COL", help="Train on what is earlier, score on later.")] = None,
    weights: Annotated[str | None, typer.Option(metavar="COL", help="Weights of the rows.")] = None,
    bad_images: options.BadImages = "refuse",
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", help="Go on with a run that was interrupted; takes no DATA.")
    ] = None,
) -> None:
    """Find the regularization that helps, train with it, report.

    What is free is searched by cross-validation, the choice is tested on data that was sealed off before.
    A recipe with nothing free in it is trained as it is, without a search.
    """
    asked = locals() | {"drop": tuple(drop or ()), "categorical": tuple(categorical or ())}
    if resume is not None:
        _run("resume", Path(resume), _only(context, "model", "loss"))
    elif data is None:
        raise typer.BadParameter("say which DATA, or --resume RUN.", param_hint="DATA")
    else:
        _run("fit", out, {name: value for name, value in asked.items() if name not in ("context", "resume")})


def _only(context: typer.Context, *allowed: str) -> dict[str, Any]:
    """The options that a resumed run takes; the others come from the run itself, so they are refused here."""
    for name in context.params:
        source = context.get_parameter_source(name)
        if name not in (*allowed, "resume") and source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(
                "it cannot be changed in a resumed run, which keeps what it was started with.",
                param_hint="DATA" if name == "data" else f"--{name.replace('_', '-')}",
            )
    return {name: context.params[name] for name in allowed}


def _left(folder: Path) -> str:
    """What is left of a run that was interrupted."""
    if not folder.is_dir():
        return "Nothing was done yet."
    return f"The run so far is in {folder}; go on with: bridle fit --resume {folder}"


def _run(call: str, folder: Path | None, arguments: dict[str, Any]) -> None:
    """One public call, with progress on the error stream and the result on the output."""
    from bridle.job.naming import default_folder

    folder = folder or default_folder(arguments["data"])
    with guarded(lambda: _left(folder)):
        with importing():
            from bridle.engine.process import prepare

            prepare()
            from rich.console import Console

            import bridle
            from bridle.cli.bars import display
            from bridle.report.text import print_summary

            fit, resume = bridle.fit, bridle.resume
        with display(Console(stderr=True)) as progress:
            if call == "resume":
                run = resume(folder, progress=progress, **arguments)
            else:
                run = fit(**(arguments | {"out": folder, "progress": progress}))
        print_summary(run.evidence, Console())
        typer.echo(f"Report: {run.folder / 'report.html'}")
