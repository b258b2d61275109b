"""Penalties whose strength can be stated in any convention: ``bridle.L2.from_keras(0.01)``."""

import inspect
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Self

from bridle.core.conventions.convention import DECOUPLED, QUANTITIES, Convention, Numbers, canonical
from bridle.core.conventions.spelling import bind, find, read_call
from bridle.core.conventions.table import CONVENTIONS
from bridle.errors import ConventionError

_OWN = ("scope", "label", "optional")


class Convertible:
    """A penalty made of L1 and L2.

    Beside the two constructors below, each row of the table that states what the class holds gives one more:
    ``from_`` and the row's name in small letters (``L2.from_sklearn_ridge(1.0, examples=442)``), and for the row that
    is a library's own spelling of just this penalty ``from_`` and the library (``ElasticNet.from_sklearn(0.1, 0.5)``).
    """

    states: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """The dial that holds each strength: ``{"l2": "strength"}``."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        for row in CONVENTIONS.values():
            if set(row.states) & set(cls.states) and row.library != "bridle":
                _add(cls, f"from_{_snake(row.name)}", row)
                if row.plain and set(row.states) == set(cls.states) and row.library != "keras":
                    _add(cls, f"from_{row.library}", row)

    @property
    def strengths(self) -> dict[str, Any]:
        """The dials by the strength that they hold: a number, a free range or a schedule."""
        return {name: getattr(self, dial) for name, dial in self.states.items()}

    @classmethod
    def from_convention(cls, name: str, *arguments: float, **named: Any) -> Self:
        """The penalty with a strength as another source states it.

        Args:
            name: A convention (``"sklearn.Ridge"``) whose arguments follow, or the call itself as text
                (``"keras.L2(0.01)"``).
            *arguments: The arguments of the convention, in its order.
            **named: Arguments of the convention, quantities that enter it (``examples``, ``batch_size``,
                ``momentum``, ``learning_rate``, ``target_std``, ``noise_std``), and ``scope``, ``label``, ``optional``.

        Raises:
            ConventionError: If the convention is unknown or has no fixed equivalent, states more than this penalty
                holds, or a quantity is missing that enters.
            DialError: If a number is out of its bounds.
        """
        rest = {key: value for key, value in named.items() if key not in _OWN}
        if "(" in name:
            convention, given, quantities = read_call(name)
            given, quantities = bind(convention, list(arguments), {**given, **quantities, **rest})
        else:
            convention = find(name)
            given, quantities = bind(convention, list(arguments), rest)
        dials = _held(cls, convention, canonical(convention, {**quantities, **given}))
        return cls(**dials, **{key: value for key, value in named.items() if key in _OWN})

    @classmethod
    def from_keras(cls, *arguments: float, **named: Any) -> Self:
        """The penalty as Keras' own regularizer of the same form has it: ``L2.from_keras(0.01)`` is ``L2(0.02)``.

        Args:
            *arguments: The regularizer's own, in its order.
            **named: The same by name, and ``scope``, ``label``, ``optional``.
        """
        for row in CONVENTIONS.values():
            if row.library == "keras" and row.plain and set(row.states) == set(cls.states):
                return cls.from_convention(row.name, *arguments, **named)
        raise ConventionError(f"Keras has no regularizer of its own for {cls.__name__}.")


def _snake(name: str) -> str:
    """``sklearn.MLPClassifier`` as ``sklearn_mlp_classifier``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).replace(".", "_").lower()


def _held(cls: type[Convertible], convention: Convention, strengths: Numbers) -> dict[str, float]:
    if not set(strengths) & set(cls.states) and "decay" not in strengths:
        raise ConventionError(
            f"{convention.name} states {' and '.join(strengths)}; {cls.__name__} holds {' and '.join(cls.states)}."
        )
    unheld = {name: value for name, value in strengths.items() if value and name not in cls.states}
    if unheld:
        if "decay" in unheld:
            raise ConventionError(
                f"{convention.name} has no fixed equivalent: {DECOUPLED} training.weight_decay takes it as it is."
            )
        said = " and ".join(f"{name} = {value:.6g}" for name, value in unheld.items())
        raise ConventionError(
            f"{convention.name} states {said} here, which {cls.__name__} does not hold: it holds "
            f"{' and '.join(cls.states)}."
        )
    return {dial: strengths.get(name, 0.0) for name, dial in cls.states.items()}


def _add(cls: type[Convertible], name: str, row: Convention) -> None:
    """The constructor of one row, with the row's own signature for whoever asks for help."""

    def constructor(cls: type[Convertible], *arguments: float, **named: Any) -> Any:
        return cls.from_convention(row.name, *arguments, **named)

    parameters = [
        inspect.Parameter(
            argument if argument != "lambda" else "lambda_",
            inspect.Parameter.KEYWORD_ONLY if row.by_name else inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=inspect.Parameter.empty if default is None else default,
        )
        for argument, default in row.arguments.items()
    ]
    needed = [inspect.Parameter(quantity, inspect.Parameter.KEYWORD_ONLY) for quantity in row.needs]
    described: Callable[..., Any] = constructor
    described.__name__ = name
    described.__qualname__ = f"{cls.__qualname__}.{name}"
    described.__doc__ = "\n\n    ".join(
        [f"The penalty as ``{row.name}`` states it: ``{row.formula}``."]
        + (
            [f"Quantities: {', '.join(f'{item} ({QUANTITIES[item].meaning})' for item in row.needs)}."]
            if row.needs
            else []
        )
        + ([f"{row.note[0].upper()}{row.note[1:]}."] if row.note else [])
    )
    own = inspect.Parameter("self_", inspect.Parameter.POSITIONAL_ONLY)
    more = inspect.Parameter("settings", inspect.Parameter.VAR_KEYWORD)
    described.__dict__["__signature__"] = inspect.Signature(
        [own, *sorted([*parameters, *needed], key=lambda item: item.kind), more]
    )
    setattr(cls, name, classmethod(described))
