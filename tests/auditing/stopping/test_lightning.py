"""Lightning's early stopping keeps the last weights, and its own checkpoint of them is no copy of the best ones."""

import pytest

pytestmark = pytest.mark.slow  # each script is a process that imports Lightning
pytest.importorskip("lightning")


def test_found(found):
    severity, finding = found("lightning_trainer")
    assert severity == "warning"
    assert finding["numbers"]["monitor"] == "val_loss"
    assert finding["numbers"]["last"] > finding["numbers"]["best"] > 0
    assert finding["numbers"]["validations_since"] == 2
    assert "Lightning's EarlyStopping stopped the training and left the model with its last" in finding["message"]
    assert "Add ModelCheckpoint(monitor='val_loss', mode='min') to the callbacks and load" in finding["message"]


@pytest.mark.parametrize("use", ["--last", "--export"])
def test_saved_but_the_last_ones_are_used(found, use):
    severity, finding = found("lightning_trainer", "--save", use)
    assert severity == "info"
    assert "are in a file that nothing loaded, and the last ones were used. Load the best ones" in finding["message"]


@pytest.mark.parametrize("arguments", [(), ("--best",), ("--load", "--last")], ids=" ".join)
def test_passed(found, arguments):
    assert found("lightning_trainer", "--save", *arguments) == (None, None)
