"""L2 by layer from the marginal likelihood, beside what cross-validation chose."""

import math
from typing import Any

from bridle.records import Evidence, Laplace
from bridle.report.figures.laplace import evidence_figure
from bridle.report.reading import chosen_candidate
from bridle.report.recipe import strength_of
from bridle.report.wording import metric_name, number, spread


def content(evidence: Evidence) -> dict[str, Any] | None:
    """What was found in words, the course of the evidence, and a row for each layer; ``None`` where nobody asked."""
    found = evidence.laplace
    if found is None:
        return None
    return {
        "statements": [(term, text) for term, text in _statements(evidence, found) if text],
        "figure": evidence_figure(found),
        "rows": [
            {
                "name": layer.name,
                "weights": f"{layer.weights:,}",
                "effective": number(layer.effective),
                "strength": number(layer.strength),
                "chosen": strength_of(evidence.recipe, layer.name),
            }
            for layer in found.layers
        ],
        "chosen": "chosen by cross-validation" if evidence.choice is not None else "in the given recipe",
    }


def _statements(evidence: Evidence, found: Laplace) -> list[tuple[str, str]]:
    noise = f"Standard deviation {number(found.noise)}, in the unit of the target." if found.noise is not None else ""
    free = f"{', '.join(found.left_out)}: a normalisation divides out the scale, so no strength follows from the data."
    return [
        ("Log evidence", f"{number(found.log_evidence, 4)} nats of the training targets, without validation data."),
        ("On the folds", compared(evidence)),
        ("Noise", noise),
        ("Left out", free if found.left_out else ""),
    ]


def compared(evidence: Evidence) -> str:
    """The score on the folds of the strengths by evidence and of the chosen recipe; empty where none trained there."""
    found, chosen = evidence.laplace, chosen_candidate(evidence)
    if found is None or chosen is None or not math.isfinite(found.score):
        return ""
    own, other = spread(found.score, found.error), spread(chosen.score, chosen.error)
    return (
        f"{metric_name(evidence.metric)} {own} after the last epoch, against {other} of the recipe chosen there at its "
        "best epoch."
    )
