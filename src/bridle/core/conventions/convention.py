"""What a convention is: how one source writes a strength, which data loss it multiplies beside, what that means here.

A strength by itself means nothing: it is a share between the penalty and the data loss beside it. Two libraries with
the same penalty and the same number differ where one sums the loss over examples, takes its mean, or halves the squared
error. So every convention declares its :class:`DataLoss`, and its own penalty is divided by what that loss is worth in
Bridle's own: :func:`canonical`. Nothing else knows of halves and counts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, final

from bridle.core.dials import Range
from bridle.errors import ConventionError

Values = Mapping[str, Any]
Numbers = dict[str, float]

STRENGTHS = {
    "l1": "sum |w|",
    "l2": "1/2 sum w^2",
    "decay": "AdamW's decoupled decay",
}
"""What a spelling can state: two penalties of Bridle's objective, and a decay that is none (see ``DECOUPLED``)."""


@final
@dataclass(frozen=True)
class Quantity:
    """A number of the training that some conventions take into their strength.

    Args:
        meaning: What it is, for the help text.
        bounds: The values it may take.
        also: Other names under which it may stand in a spelling.
    """

    meaning: str
    bounds: Range
    also: tuple[str, ...] = ()


QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "examples": Quantity("Examples in the training set.", Range(1, integer=True), ("n",)),
        "batch_size": Quantity("Examples per step.", Range(1, integer=True)),
        "momentum": Quantity("Momentum of SGD.", Range(0.0, 1.0, open_high=True), ("mom",)),
        "learning_rate": Quantity("Learning rate at its highest.", Range(0.0, open_low=True), ("lr",)),
        "target_std": Quantity(
            "Standard deviation of the target (the 1/n one) as the other library is given it.",
            Range(0.0, open_low=True),
            ("s_y",),
        ),
        "noise_std": Quantity(
            "Standard deviation of the observation noise.", Range(0.0, open_low=True), ("sigma_noise",)
        ),
    }
)


@final
@dataclass(frozen=True)
class DataLoss:
    """The data loss that a convention's strength stands beside.

    Args:
        text: In words.
        share: How many of Bridle's data losses it is (of the mean over examples of the cross-entropy, or of the squared
            error without a half), for one example where it is a sum.
        summed: Whether it is a sum over examples.
    """

    text: str
    share: float = 1.0
    summed: bool = False

    def worth(self, given: Values) -> float:
        """How many of Bridle's data losses it is."""
        return self.share * given["examples"] if self.summed else self.share


MEAN = DataLoss("the mean over examples of the squared error without a half, or of the cross-entropy")
OWN = DataLoss("the script's own loss, read as a mean over examples without a half")
HALF_MEAN = DataLoss("half the mean squared error", 0.5)
SUM = DataLoss("the sum over examples of the data loss", summed=True)


@final
@dataclass(frozen=True, kw_only=True)
class Convention:
    """How one source writes a strength.

    Args:
        name: The library and what stands there, as users write it: ``"keras.L2"``.
        formula: What it minimises or does, as the source has it.
        arguments: The arguments that carry the strength, with their defaults; ``None`` must be given.
        states: Which of :data:`STRENGTHS` it can state; empty where it states none (then ``why_not`` says why).
        read: The strengths of the source's own penalty, beside its own data loss, from the arguments and quantities.
        write: The arguments from those strengths and quantities.
        beside: The data loss that it multiplies beside.
        why_not: Why it has no fixed equivalent, and what can be measured instead.
        note: What else to know.
        also: Other names, as patterns.
        by_name: Whether its arguments must be named (where the library's first argument is another one).
        plain: Whether it is the library's own spelling of just this penalty: then ``from_<library>`` means it.
        evidence: Where it is written, beside the test that every row has.
    """

    name: str
    formula: str
    arguments: Values
    states: tuple[str, ...] = ()
    read: Callable[[Values], Numbers] = lambda _: {}
    write: Callable[[Values], dict[str, Any]] = lambda _: {}
    beside: DataLoss = MEAN
    why_not: str = ""
    note: str = ""
    also: tuple[str, ...] = ()
    by_name: bool = False
    plain: bool = False
    evidence: str = ""

    @property
    def library(self) -> str:
        """The part of the name before the dot."""
        return self.name.partition(".")[0]

    @property
    def needs(self) -> tuple[str, ...]:
        """The quantities that enter, found by reading once."""
        probe = _Probe(dict.fromkeys(self.arguments, 0.5))
        self.read(probe)
        self.beside.worth(probe)
        return tuple(name for name in QUANTITIES if name in probe.asked)


def canonical(convention: Convention, given: Values) -> Numbers:
    """The strengths in Bridle's own objective, beside Bridle's own data loss.

    Args:
        convention: The convention that is read.
        given: Its arguments and the quantities at hand.

    Raises:
        ConventionError: If it has no fixed equivalent.
        MissingQuantityError: If a quantity that enters is not given.
    """
    if not convention.states:
        raise ConventionError(f"{convention.name} has no fixed equivalent: {convention.why_not}")
    values = Given(given, convention.name)
    own = convention.read(values)
    return {name: value if name == "decay" else value / convention.beside.worth(values) for name, value in own.items()}


def spelled(convention: Convention, strengths: Values, quantities: Values) -> dict[str, Any]:
    """The arguments with which a convention states strengths of Bridle's objective.

    Raises:
        ConventionError: If it cannot state them.
        MissingQuantityError: If a quantity that enters is not given.
    """
    if not convention.states:
        raise ConventionError(f"{convention.name} has no fixed equivalent: {convention.why_not}")
    values = Given(quantities, convention.name)
    wanted = {name for name, value in strengths.items() if value} or set(strengths)
    if not wanted & set(convention.states) or {name for name in wanted if strengths[name]} - set(convention.states):
        raise ConventionError(_unsaid(convention, strengths, wanted))
    own = {
        name: strengths[name] if name == "decay" else strengths[name] * convention.beside.worth(values)
        for name in convention.states
        if name in strengths
    }
    defaults = {name: value for name, value in convention.arguments.items() if value is not None}
    return convention.write(Given({**defaults, **quantities, **own}, convention.name))


DECOUPLED = (
    "AdamW's decay acts outside the gradient, which Adam then divides by sqrt(v_hat): it equals an L2 strength of "
    "decay * (sqrt(v_hat) + eps), different for each weight and moving with the scale of the gradients. What it is in "
    "a training that runs, bridle.decay_strengths(model, optimizer) measures."
)


def _unsaid(convention: Convention, strengths: Values, wanted: set[str]) -> str:
    if "decay" in set(convention.states) | wanted and "l1" not in wanted:
        return f"{convention.name} has no fixed equivalent: {DECOUPLED}"
    needed = " and ".join(
        f"{name} = {strengths[name]:.12g} ({STRENGTHS[name]})" for name in STRENGTHS if name in wanted
    )
    able = " and ".join(f"{name} ({STRENGTHS[name]})" for name in convention.states)
    return f"{convention.name} states {able} only; this is {needed}."


@final
class MissingQuantityError(ConventionError):
    """A quantity of the training enters the conversion and was not given."""

    def __init__(self, convention: str, quantity: str) -> None:
        self.quantity = quantity
        super().__init__(
            f"{convention} needs {quantity} ({QUANTITIES[quantity].meaning.rstrip('.').lower()}). "
            f"Give {quantity}=..., on the command line --{quantity.replace('_', '-')}."
        )


class Given(dict[str, Any]):
    """Values by name, of which a missing quantity says so in the user's words."""

    def __init__(self, values: Values, convention: str) -> None:
        super().__init__(values)
        self._convention = convention

    def __missing__(self, name: str) -> float:
        if name in STRENGTHS:
            return 0.0
        raise MissingQuantityError(self._convention, name)


class _Probe(dict[str, Any]):
    """Values that record which quantities a formula asks for."""

    def __init__(self, values: Values) -> None:
        super().__init__(values)
        self.asked: list[str] = []

    def __missing__(self, name: str) -> float:
        self.asked.append(name)
        return 0.5
