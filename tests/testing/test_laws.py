"""Which laws apply, and how all of them are checked."""

from dataclasses import dataclass
from typing import final

import pytest

from bridle.core import Penalty
from bridle.regularizers.averaging import EMA
from bridle.regularizers.catalogue import catalogue
from bridle.regularizers.penalties import L1, L2
from bridle.testing import LAWS, BrokenLaw, check_law, check_regularizer, laws_of


@final
@dataclass(frozen=True)
class Lost(Penalty):
    """It forgot what it is about."""

    scope: str = "matrices"

    def value(self, weights):
        raise KeyError("strength")

    def gradient(self, weights):
        return []


def test_laws_are_those_of_the_kind():
    names = {law.__name__ for law in laws_of(L1)}
    assert {"survives_a_recipe_file", "gradient_is_the_slope", "prox_is_the_best"} <= names
    assert "prox_is_the_best" not in {law.__name__ for law in laws_of(L2)}


def test_every_kind_has_laws_and_every_law_a_sentence():
    for cls in catalogue().values():
        assert any(issubclass(cls, kind) for kind in list(LAWS)[1:])
    for laws in LAWS.values():
        assert laws
        assert all(law.__doc__ for law in laws)


def test_an_instance_is_checked_as_it_is():
    check_regularizer(EMA(0.5))


def test_all_that_is_broken_is_reported():
    with pytest.raises(BrokenLaw) as broken:
        check_regularizer(Lost())
    lines = str(broken.value).splitlines()
    assert any("breaks the law 'value is a finite number': KeyError: 'strength'" in line for line in lines)
    assert any("breaks the law 'zero strength does nothing': no dial can be zero" in line for line in lines)


def test_an_error_inside_is_the_cause():
    (law,) = (law for law in laws_of(Lost) if law.__name__ == "value_is_a_finite_number")
    with pytest.raises(BrokenLaw) as broken:
        check_law(law, Lost())
    assert isinstance(broken.value.__cause__, KeyError)
