"""The audit at the end of a run: what acted on each weight of the final model, and what checks found."""

import time

import numpy as np
from numpy.typing import NDArray

from bridle.auditing.member import Circumstances, audit_member
from bridle.data.dataset import Dataset
from bridle.engine.outcomes import kept_weights, told
from bridle.engine.process import threads
from bridle.job.choose import Chosen
from bridle.job.context import Context
from bridle.population import Member
from bridle.records import Outcome, RunAudit


def audited(
    job: Context,
    member: Member,
    outcome: Outcome,
    chosen: Chosen | None,
    test: tuple[Dataset, NDArray[np.int64]],
) -> RunAudit:
    """Audit the training of the final model on a copy of it; findings are added to those of the job.

    An audit that fails costs the run nothing: the record says why there is none.

    Args:
        job: The job.
        member: The member that became the final model.
        outcome: How it ended.
        chosen: What the folds said, or ``None`` where nothing was free.
        test: The test rows with their data set, opened already.
    """
    began = time.perf_counter()
    epochs = max(len(outcome.curves.series.get("data_loss", ())), 1)
    around = Circumstances(job.metric.name, epochs, chosen.candidates if chosen else (), test)
    try:
        with threads(job.threads):
            record, findings = audit_member(member, job.setting, kept_weights(member, job.setting), around)
    except Exception as error:  # the user's network may raise anything, and the run is as good as done
        record, findings = RunAudit(None, failure=told(error)), []
    job.findings.extend(finding for finding in findings if finding not in job.findings)
    job.seconds["audit"] = time.perf_counter() - began
    return record
