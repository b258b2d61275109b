"""The forms that conventions share, each giving both directions from one statement."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, TypeAlias

from bridle.core.conventions.convention import OWN, Convention, Values
from bridle.errors import ConventionError

Factor: TypeAlias = float | Callable[[Values], float]


def _number(factor: Factor, given: Values) -> float:
    return factor(given) if callable(factor) else factor


def linear(
    name: str,
    argument: str,
    strength: str,
    factor: Factor = 1.0,
    *,
    settings: Values = MappingProxyType({}),
    **rest: Any,
) -> Convention:
    """One argument that is a multiple of one strength: both directions from one factor; ``settings`` have defaults."""
    return Convention(
        name=name,
        arguments={argument: None, **settings},
        states=(strength,),
        read=lambda given: {strength: given[argument] * _number(factor, given)},
        write=lambda given: {argument: given[strength] / _number(factor, given)},
        **rest,
    )


def decoupled(name: str, argument: str = "weight_decay", **rest: Any) -> Convention:
    """AdamW's own number under another name."""
    rest = {"formula": "w <- w - lr * decay * w, beside Adam's step", "beside": OWN, "by_name": True, **rest}
    return linear(name, argument, "decay", **rest)


def two(name: str, l1: str, l2: str, per_l2: float = 1.0, **rest: Any) -> Convention:
    """An argument for each of the two strengths."""
    return Convention(
        name=name,
        arguments={l1: 0.0, l2: 0.0},
        states=("l1", "l2"),
        read=lambda given: {"l1": given[l1], "l2": given[l2] * per_l2},
        write=lambda given: {l1: given["l1"], l2: given["l2"] / per_l2},
        **rest,
    )


def mixed(name: str, total: str, share: str, default: float, l2_worth: Factor = 1.0, **rest: Any) -> Convention:
    """A total strength and the share of L1 in it; the quadratic part is divided by ``l2_worth``."""

    def write(given: Values) -> dict[str, float]:
        quadratic = given["l2"] * _number(l2_worth, given) if given["l2"] else 0.0
        whole = given["l1"] + quadratic
        return {total: whole, share: given["l1"] / whole if whole else default}

    return Convention(
        name=name,
        arguments={total: None, share: default},
        states=("l1", "l2"),
        read=lambda given: {
            "l1": given[total] * given[share],
            "l2": given[total] * (1.0 - given[share]) / _number(l2_worth, given) if given[share] != 1.0 else 0.0,
        },
        write=write,
        **rest,
    )


def logistic(given: Values) -> dict[str, float]:
    """``C`` multiplies the data loss, so that the penalty beside the sum is divided by it."""
    strength = 1.0 / given["C"]
    return {"l1": given["l1_ratio"] * strength, "l2": (1.0 - given["l1_ratio"]) * strength}


def to_logistic(given: Values) -> dict[str, float]:
    """The inverse of :func:`logistic`; no penalty is an infinite ``C``."""
    total = given["l1"] + given["l2"]
    return {"C": 1.0 / total, "l1_ratio": given["l1"] / total} if total else {"C": float("inf"), "l1_ratio": 0.0}


def by_flags(given: Values) -> dict[str, float]:
    """An optimizer that couples or decouples its decay by a flag."""
    if not given["weight_decouple"]:
        return {"l2": given["weight_decay"]}
    return {"decay": given["weight_decay"] / (given["learning_rate"] if given["fixed_decay"] else 1.0)}


def to_flags(given: Values) -> dict[str, Any]:
    """The inverse of :func:`by_flags`."""
    decouple = "decay" in given
    return {"weight_decay": given["decay" if decouple else "l2"], "weight_decouple": decouple, "fixed_decay": False}


def unit(given: Values) -> dict[str, Any]:
    """No argument: the strength is 1, and no other can be stated."""
    if abs(given["l2"] - 1.0) > 1e-12:
        raise ConventionError(
            f"textbook.unit_prior has the strength 1, which cannot be turned; this is l2 = {given['l2']:.12g}."
        )
    return {}
