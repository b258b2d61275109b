"""Hugging Face's early stopping keeps the last weights unless the Trainer is told to load the best ones."""

import pytest

pytestmark = pytest.mark.slow  # each script is a process that imports transformers
pytest.importorskip("transformers")


def test_found(found):
    severity, finding = found("huggingface_trainer")
    assert severity == "warning"
    assert finding["numbers"]["monitor"] == "eval_loss"
    assert finding["numbers"]["last"] > finding["numbers"]["best"] > 0
    assert finding["numbers"]["validations_since"] == 2
    assert "Write TrainingArguments(load_best_model_at_end=True)" in finding["message"]


@pytest.mark.parametrize("use", ["--last", "--export"])
def test_saved_but_the_last_ones_are_used(found, use):
    assert found("huggingface_trainer", "--save", use)[0] == "info"


@pytest.mark.parametrize("arguments", [("--save",), ("--best", "--last")], ids=" ".join)
def test_passed(found, arguments):
    assert found("huggingface_trainer", *arguments) == (None, None)
