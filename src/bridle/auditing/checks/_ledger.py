"""What checks read from the ledger."""

from collections.abc import Sequence

from bridle.auditing.checks._names import listing
from bridle.auditing.observed import Observed
from bridle.records import Entry, Ledger

REPEATABLE = 0.01
"""A step whose two runs differ by more than this share cannot be taken apart."""


def repeatable(observed: Observed) -> Ledger | None:
    """The ledger, if there is one and the step does the same each time."""
    ledger = observed.ledger
    return ledger if ledger is not None and ledger.noise <= REPEATABLE else None


def some(entries: Sequence[Entry]) -> str:
    """The first names, and how many more."""
    return listing([entry.name for entry in entries])


def pull(entry: Entry) -> float:
    """The largest strength of L2, L1 or decoupled decay on a parameter; 0 where there is none, or none is known."""
    strengths = (entry.strength, entry.l1_strength, entry.decay, *entry.sources.values())
    return max((value for value in strengths if value > 0), default=0.0)


def loss_strength(entry: Entry) -> float:
    """The strength of the L2 in the loss, or of the L1 where there is no L2; 0 where neither is known."""
    strengths = (entry.sources.get("loss", 0.0), entry.l1_sources.get("loss", 0.0))
    return next((strength for strength in strengths if strength > 0), 0.0)


def shrink(entry: Entry) -> float:
    """The share of its size that penalties and decay take in one step."""
    return sum(entry.parts[name].shrink for name in ("penalty", "decay") if name in entry.parts)


def is_pulled(entry: Entry) -> bool:
    """Whether a penalty or a decay moved it."""
    return any(name in entry.parts and entry.parts[name].size > 0 for name in ("penalty", "decay"))
