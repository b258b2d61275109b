"""A job in a folder that goes away with it: for what leaves no run behind."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bridle.engine.check import check_model
from bridle.job.context import Context
from bridle.job.progress import Progress, Silent
from bridle.job.start import open_job, start


@contextmanager
def temporary_job(data: Any, recipe: Any, progress: Progress | None, options: dict[str, Any]) -> Iterator[Context]:
    """A job that is read, checked and ready to work; its workers and files end with the context.

    Args:
        data: As for :func:`bridle.fit`.
        recipe: A recipe or space, the path of one, or ``None``.
        progress: Is told what happens.
        options: Every other option of :func:`bridle.job.start.start` but ``out``.
    """
    folder, progress = Path(tempfile.mkdtemp(prefix="bridle-")), progress or Silent()
    started = time.perf_counter()
    try:
        workspace, ask = start(data, recipe, out=folder / "run", progress=progress, **options)
        job = open_job(workspace, ask, options.get("model"), options.get("loss"), progress)
        try:
            check_model(job.space, job.setting)
            yield job
        finally:
            job.crew.dismiss()
            job.seconds["total"] = time.perf_counter() - started
    finally:
        shutil.rmtree(folder, ignore_errors=True)
