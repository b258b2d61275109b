import re

import pytest

from bridle.errors import ModelError
from bridle.models import Inputs
from bridle.records import Kind


def test_numbers_are_the_continuous_columns_and_the_indicators():
    inputs = Inputs(Kind.TABLE, (7,), 3, continuous=4, indicators=1, cardinalities=(3, 5))
    assert inputs.numbers == 5


def test_columns_that_do_not_add_up_are_refused():
    with pytest.raises(ModelError, match=re.escape("shape of a table must be (7,)") + ".*" + re.escape("got (8,).")):
        Inputs(Kind.TABLE, (8,), 3, continuous=4, indicators=1, cardinalities=(3, 5))


def test_an_image_has_three_dimensions():
    with pytest.raises(ModelError, match=re.escape("must be (channels, height, width); got (28, 28).")):
        Inputs(Kind.IMAGE, (28, 28), 10)
