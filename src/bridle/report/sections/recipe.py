"""The recipe, as it can be run again."""

from typing import Any

from bridle.records import Evidence
from bridle.report.recipe import highlighted


def content(evidence: Evidence) -> dict[str, Any] | None:
    """The recipe's text with its colours."""
    if not evidence.recipe.strip():
        return None
    return {
        "chosen": evidence.choice is not None,
        "pruned": evidence.attribution is not None and evidence.attribution.applied,
        "text": highlighted(evidence.recipe.strip()),
    }
