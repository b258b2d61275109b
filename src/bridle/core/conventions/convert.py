"""A strength from any convention into the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any, final

from bridle.core.conventions.convention import (
    DECOUPLED,
    MEAN,
    QUANTITIES,
    STRENGTHS,
    Convention,
    MissingQuantityError,
    Numbers,
    canonical,
    spelled,
)
from bridle.core.conventions.spelling import read_call, write_call
from bridle.core.conventions.table import CONVENTIONS
from bridle.errors import ConventionError


@final
@dataclass(frozen=True)
class Saying:
    """What one convention makes of a strength.

    Args:
        convention: The row of the table.
        arguments: What to write there; ``None`` where it cannot be said.
        why_not: The reason, where it cannot.
    """

    convention: Convention
    arguments: Mapping[str, Any] | None
    why_not: str = ""

    def __str__(self) -> str:
        """As a user of that source writes it, with the data loss it stands beside where that is not Bridle's."""
        if self.arguments is None:
            return f"{self.convention.name}: {self.why_not}"
        return write_call(self.convention.name, self.arguments)


@final
@dataclass(frozen=True)
class Conversion:
    """A strength, in Bridle's convention and in others; as text it is the answer in full.

    Args:
        source: What was converted, as text.
        strengths: In Bridle's objective, by name: ``l1``, ``l2``, or AdamW's ``decay``, which is no penalty.
        sayings: The others, in the order of the table.
        in_full: Whether the text has the notes of each.
    """

    source: str
    strengths: Mapping[str, float]
    sayings: tuple[Saying, ...]
    in_full: bool = False

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        """The arguments of one convention, by the row's name.

        Raises:
            ConventionError: If it is not among them or cannot state the strength.
        """
        for saying in self.sayings:
            if saying.convention.name == name:
                if saying.arguments is None:
                    raise ConventionError(f"{name}: {saying.why_not}")
                return saying.arguments
        raise ConventionError(
            f"{name!r} is not in this conversion; in it are {', '.join(one.convention.name for one in self.sayings)}."
        )

    def __str__(self) -> str:
        """The canonical strength, a line for each convention, then those without an equivalent by their reason."""
        return "\n".join([self.said(), *unsaid([self])])

    def said(self) -> str:
        """The canonical strength and a line for each convention that states it, by the data loss it stands beside."""
        stated = " and ".join(f"{name} = {value:.6g} ({STRENGTHS[name]})" for name, value in self.strengths.items())
        decay = "decay" in self.strengths
        lines = [self.source, f"  is {stated}" + (f". {DECOUPLED}" if decay else f" beside {MEAN.text}")]
        losses: dict[str, list[str]] = {}
        for saying in self.sayings:
            if saying.arguments is not None:
                losses.setdefault(saying.convention.beside.text, []).append(f"    {saying}{self._noted(saying)}")
        for loss, items in losses.items():
            lines += [f"  beside {loss}:", *items]
        return "\n".join(lines)

    def _noted(self, saying: Saying) -> str:
        return f"  ({saying.convention.note})" if saying.convention.note and self.in_full else ""


def unsaid(conversions: Sequence[Conversion]) -> list[str]:
    """A line for each reason why conventions do not state the strengths."""
    reasons: dict[str, dict[str, None]] = {}
    for conversion in conversions:
        for saying in conversion.sayings:
            if saying.arguments is None:
                reasons.setdefault(saying.why_not, {})[saying.convention.name] = None
    return [f"  {', '.join(names)}: {reason}" for reason, names in reasons.items()]


def convert(
    text: str,
    to: str | None = None,
    *,
    examples: int | None = None,
    batch_size: int | None = None,
    momentum: float | None = None,
    learning_rate: float | None = None,
    target_std: float | None = None,
    noise_std: float | None = None,
) -> Conversion:
    """A strength as another library writes it.

    Args:
        text: What the source says, such as ``"keras.L2(0.01)"`` or ``"torch.SGD(weight_decay=1e-4)"``. Quantities may
            stand there too: ``"keras.SGD(weight_decay=0.01, momentum=0.9)"``.
        to: A convention (``"sklearn.Ridge"``) or a library (``"torch"``); by default all.
        examples: Examples in the training set.
        batch_size: Examples per step.
        momentum: Momentum of SGD.
        learning_rate: Learning rate at its highest.
        target_std: Standard deviation of the target (the 1/n one) as the other library is given it.
        noise_std: Standard deviation of the observation noise.

    Raises:
        ConventionError: If the text cannot be read, a name is unknown, a quantity is missing that enters, or the
            strength has no fixed equivalent in the one convention asked for.
        DialError: If a number is out of its bounds.
    """
    given = {name: value for name, value in locals().items() if name in QUANTITIES and value is not None}
    quantities = {name: QUANTITIES[name].bounds.check(name, value) for name, value in given.items()}
    convention, arguments, own = read_call(text)
    strengths = canonical(convention, {**quantities, **own, **arguments})
    targets = tuple(CONVENTIONS.values()) if to is None else named(to)
    return Conversion(
        text, MappingProxyType(strengths), sayings(strengths, {**own, **quantities}, targets, to), to is not None
    )


def sayings(
    strengths: Numbers, quantities: Mapping[str, Any], targets: tuple[Convention, ...], to: str | None = None
) -> tuple[Saying, ...]:
    """What the targets make of a strength. Without ``to``, those that could not state its kind at all are left out.

    Raises:
        ConventionError: If none of the targets that ``to`` names can state it.
    """
    found = []
    errors: list[ConventionError] = []
    for target in targets:
        if to is None and not _concerned(target, strengths):
            continue
        try:
            found.append(Saying(target, MappingProxyType(spelled(target, strengths, quantities))))
        except ConventionError as error:
            errors.append(error)
            found.append(Saying(target, None, _reason(error, target, quantities)))
    if to is not None and len(errors) == len(targets):
        raise errors[0]
    return tuple(found)


def named(to: str) -> tuple[Convention, ...]:
    """The rows that a convention's or a library's name means.

    Raises:
        ConventionError: If there is none; the message names the nearest.
    """
    exact = [row for row in CONVENTIONS.values() if to.lower() == row.name.lower()]
    rows = exact or [row for row in CONVENTIONS.values() if to.lower() == row.library.lower()]
    rows = rows or [row for row in CONVENTIONS.values() if any(fnmatchcase(to, pattern) for pattern in row.also)]
    if rows:
        return tuple(rows)
    libraries = dict.fromkeys(row.library for row in CONVENTIONS.values())
    near = get_close_matches(to, [*CONVENTIONS, *libraries], n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ConventionError(
        f"There is no convention or library called {to!r}.{hint} Libraries are {', '.join(libraries)}."
    )


def _concerned(target: Convention, strengths: Numbers) -> bool:
    """Whether a list of all shows the row: it states this kind of strength, or says why nothing does."""
    wanted = {name for name, value in strengths.items() if value} or set(strengths)
    if wanted <= {"l2", "decay"} and "decay" in target.states:
        return True
    return wanted <= set(target.states) or (not target.states and "decay" not in wanted)


def _reason(error: ConventionError, target: Convention, quantities: Mapping[str, Any]) -> str:
    if isinstance(error, MissingQuantityError):
        return f"needs {', '.join(name for name in target.needs if name not in quantities)}"
    return str(error).removeprefix(f"{target.name} ").removeprefix("has ")
