import pytest

from bridle.models import Inputs, cnn, default_model, mlp
from bridle.records import Kind


@pytest.mark.parametrize(
    ("inputs", "factory"),
    [(Inputs(Kind.TABLE, (3,), 2, continuous=3), mlp), (Inputs(Kind.IMAGE, (1, 8, 8), 10), cnn)],
    ids=["table", "image"],
)
def test_the_kind_of_the_inputs_decides(inputs, factory):
    assert default_model(inputs) is factory
