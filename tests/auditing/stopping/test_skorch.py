"""skorch's early stopping keeps the last weights; restored by itself, by a checkpoint or by hand they pass."""

import pytest

pytestmark = pytest.mark.slow  # each script is a process that imports skorch
pytest.importorskip("skorch")


def test_found(found):
    severity, finding = found("skorch_net")
    assert severity == "warning"
    assert finding["numbers"]["monitor"] == "valid_loss"
    assert finding["numbers"]["last"] > finding["numbers"]["best"] > 0
    assert finding["numbers"]["validations_since"] == 2
    assert "Write EarlyStopping(monitor='valid_loss', load_best=True)." in finding["message"]


@pytest.mark.parametrize("use", ["--last", "--export"])
def test_saved_but_the_last_ones_are_used(found, use):
    severity, finding = found("skorch_net", "--save", use)
    assert severity == "info"
    assert "Load the best ones: net.load_params(checkpoint=...)" in finding["message"]


@pytest.mark.parametrize(
    "arguments",
    [("--save",), ("--best", "--last"), ("--save", "--load-best", "--last"), ("--save", "--load", "--last")],
    ids=" ".join,
)
def test_passed(found, arguments):
    assert found("skorch_net", *arguments) == (None, None)
