from dataclasses import dataclass
from typing import Annotated, Literal, final

import pytest

from bridle.core import Penalty, Range
from bridle.errors import RecipeError
from bridle.regularizers.catalogue import catalogue
from bridle.regularizers.describe import describe, describe_all, describe_one


@final
@dataclass(frozen=True)
class Made(Penalty):
    """Does something to the weights.

    More about it.

    Args:
        strength: How much,
            over two lines.
        shape: How.
        scope: Where.

    Reference: nobody.
    """

    strength: Annotated[float, Range(0.0, search=(1e-6, 1e-2), log=True)]
    shape: Literal["round", "square"] = "round"
    power: Annotated[float, Range(1.0, 2.0, open_high=True)] = 1.5
    scope: str = "matrices"

    def value(self, weights):
        raise NotImplementedError

    def gradient(self, weights):
        raise NotImplementedError


def test_everything_comes_from_the_class():
    one = describe(Made)
    assert (one.title, one.kind, one.effect) == ("Made", "penalty", "Does something to the weights.")
    assert one.text == "More about it.\n\nReference: nobody."
    assert [setting.name for setting in one.settings] == ["strength", "power", "shape", "scope"]
    strength, power, shape, scope = one.settings
    assert (strength.is_dial, strength.allowed, strength.default) == (True, "[0, inf)", None)
    assert strength.search == "1e-06 to 0.01, logarithmic"
    assert strength.meaning == "How much, over two lines."
    assert (power.allowed, power.default, power.search, power.meaning) == ("[1, 2)", "1.5", "", "")
    assert (shape.is_dial, shape.allowed, shape.default) == (False, "round, square", "round")
    assert scope.allowed.startswith("matrices, biases, ")


def test_the_catalogue_keeps_its_order():
    assert [one.name for one in describe_all()] == list(catalogue())


@pytest.mark.parametrize("name", list(catalogue()))
def test_every_regularizer_is_explained(name):
    one = describe_one(name)
    assert one.effect.endswith((".", ":"))
    assert one.kind in {
        "augmentation",
        "noise",
        "target rule",
        "loss term",
        "penalty",
        "update rule",
        "averaging",
        "stop rule",
    }
    for setting in one.settings:
        assert setting.meaning, f"{name}: the docstring does not say what {setting.name} is"


def test_an_unknown_name():
    with pytest.raises(RecipeError, match=r"no regularizer called 'dropuot'\. Did you mean 'dropout'\?"):
        describe_one("dropuot")
    with pytest.raises(RecipeError, match=r"no regularizer called 'zzz'\. `bridle list` shows all\."):
        describe_one("zzz")
