"""The log evidence in the course of the trainings that maximise it."""

from itertools import groupby

from bridle.records import Laplace
from bridle.report.figures.figure import CHOSEN, OTHER, Figure, axis, finite, layout
from bridle.report.wording import number


def evidence_figure(found: Laplace) -> Figure:
    """A line for each training; the one that was kept in the colour of the choice."""
    rounds = {training: list(steps) for training, steps in groupby(found.steps, lambda step: step.round)}
    kept = next((training for training, steps in rounds.items() if steps[-1].log_evidence == found.log_evidence), None)
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "x": [step.epoch for step in steps],
            "y": finite(step.log_evidence for step in steps),
            "line": {"color": CHOSEN if training == kept else OTHER, "width": 1.75},
            "marker": {"size": 5},
            "text": [number(step.log_evidence, 4) for step in steps],
            "hovertemplate": f"training {training}, epoch %{{x}}: %{{text}}<extra></extra>",
        }
        for training, steps in rounds.items()
    ]
    return Figure(
        traces,
        layout(260, xaxis=axis("epoch", showgrid=False), yaxis=axis(nticks=5)),
        "The log evidence over the epochs of each training.",
        "Log evidence of the training targets",
        "Each training starts from the strengths of the one before; the last one whose end rises is kept.",
        (("kept", CHOSEN), ("others", OTHER)),
    )
