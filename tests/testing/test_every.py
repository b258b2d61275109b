"""What a regularizer declares has laws too."""

from dataclasses import dataclass
from typing import Annotated, final

import pytest

from bridle.core import Range, TargetRule
from bridle.testing import BrokenLaw, check_regularizer

Rate = Annotated[float, Range(0.0, 1.0, open_high=True, search=(0.1, 0.5))]


class Smoothing(TargetRule):
    def apply(self, targets):
        return targets * (1 - self.rate) + self.rate / targets.shape[-1]


@final
@dataclass(frozen=True)
class Whole(Smoothing):
    """Smooths.

    Args:
        rate: The share.

    Reference: none.
    """

    rate: Rate


@dataclass(frozen=True)
class Derivable(Smoothing):
    """Another may derive from it.

    Args:
        rate: The share.

    Reference: none.
    """

    rate: Rate


@final
@dataclass(frozen=True)
class Undescribed(Smoothing):
    """Smooths.

    Reference: none.
    """

    rate: Rate


@final
@dataclass(frozen=True)
class Unfounded(Smoothing):
    """Smooths.

    Args:
        rate: The share.
    """

    rate: Rate


@final
@dataclass(frozen=True)
class OutsideItsBounds(Smoothing):
    """Smooths.

    Args:
        rate: The share.

    Reference: none.
    """

    rate: Annotated[float, Range(0.0, 1.0, open_high=True, search=(0.1, 1.0))]


@final
@dataclass(frozen=True)
class Unchecked(Smoothing):
    """Smooths.

    Args:
        rate: The share.

    Reference: none.
    """

    rate: Rate

    def __post_init__(self):
        pass


@final
@dataclass(frozen=True)
class Forgetful(Smoothing):
    """Smooths.

    Args:
        rate: The share.

    Reference: none.
    """

    rate: Rate

    def __eq__(self, other):
        return self is other

    __hash__ = None


def test_a_whole_declaration_is_accepted():
    check_regularizer(Whole)


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (Derivable, "'is a frozen final record': decorate Derivable with typing.final"),
        (Undescribed, "'is described': the docstring of Undescribed does not explain 'rate'"),
        (Unfounded, "'is described': the docstring of Unfounded names no reference"),
        (OutsideItsBounds, r"'dials are searchable': DialError: rate must lie in \[0, 1\); got 1"),
        (Unchecked, r"'refuses what is out of bounds': rate = -1.0 is accepted, though it must lie in \[0, 1\)"),
        (Forgetful, "'survives a recipe file': its recipe reads as Forgetful"),
    ],
)
def test_what_is_declared_wrongly_is_rejected(cls, message):
    with pytest.raises(BrokenLaw, match=message):
        check_regularizer(cls)
