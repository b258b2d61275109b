"""What a law is, and how it says that it is broken."""

from collections.abc import Callable, Container
from typing import Any, TypeAlias, TypeVar

import torch
from torch import Tensor

from bridle.core import Regularizer, dials

R = TypeVar("R", bound=Regularizer)
Law: TypeAlias = Callable[[Any, torch.device], None]
"""A function of a regularizer and a device that raises :class:`BrokenLaw`; its name says what must hold."""


class BrokenLaw(AssertionError):
    """A regularizer breaks a law of its kind; the text says which, and how."""


def require(holds: object, message: str) -> None:
    """Raise :class:`BrokenLaw` with ``message`` unless ``holds``."""
    if not holds:
        raise BrokenLaw(message)


def require_same(found: Tensor, expected: Tensor, message: str) -> None:
    """Raise unless two tensors are equal in every element, in shape, type and device."""
    require_alike(found, expected, message)
    require(torch.equal(found, expected), f"{message}: the largest difference is {_difference(found, expected):.3g}")


def require_close(found: Tensor, expected: Tensor, message: str, *, tolerance: float = 1e-9) -> None:
    """Raise unless two tensors are equal up to ``tolerance``, relative and absolute; two NaNs are equal."""
    require(found.shape == expected.shape, f"{message}: the shapes are {found.shape} and {expected.shape}")
    close = torch.isclose(found, expected, rtol=tolerance, atol=tolerance, equal_nan=True)
    require(bool(close.all()), f"{message}: the largest difference is {_difference(found, expected):.3g}")


def require_alike(found: Tensor, expected: Tensor, message: str) -> None:
    """Raise unless two tensors have the same shape, type and device."""
    for name in ("shape", "dtype", "device"):
        got, want = getattr(found, name), getattr(expected, name)
        require(got == want, f"{message}: {name} must be {want}; got {got}")


def _difference(found: Tensor, expected: Tensor) -> float:
    if not found.numel():
        return 0.0
    return float((found.detach().double() - expected.detach().double()).abs().max())


class Unchanged:
    """A context in which the given tensors must keep their values.

    Args:
        tensors: What must not change in place.
    """

    def __init__(self, *tensors: Tensor) -> None:
        self.tensors = tensors

    def __enter__(self) -> None:
        self.before = [tensor.detach().clone() for tensor in self.tensors]

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            for now, before in zip(self.tensors, self.before, strict=True):
                same = (now == before) | ((now != now) & (before != before))  # two NaNs are the same
                require(bool(same.all()), "an input was changed in place; work on a copy")


def off(regularizer: R, *, only: Container[str] = (), without: Container[str] = ()) -> R | None:
    """The regularizer with every dial whose range begins at zero set to zero; ``None`` where there is no such dial.

    Args:
        regularizer: The regularizer.
        only: Look at these dials only, where any are given.
        without: Leave these dials as they are.
    """
    zeros = {
        name: 0.0
        for name, dial in dials(type(regularizer)).items()
        if dial.low == 0 and not dial.open_low and getattr(regularizer, name) is not None
        if name not in without and (not only or name in only)
    }
    return regularizer.bind(zeros) if zeros else None
