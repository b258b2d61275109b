"""Early stopping of Keras that keeps the last weights is found; one that restores or saves the best passes."""

from types import SimpleNamespace

import pytest

from bridle.auditing.keras.last_weights_kept import look
from bridle.records import Severity


class EarlyStopping(SimpleNamespace):
    """What the check reads of Keras's callback."""


class ModelCheckpoint:
    """A callback that saves weights."""


def stopping(**settings):
    usual = {"restore_best_weights": False, "stopped_epoch": 7, "best_epoch": 4, "best": 0.25, "monitor": "val_loss"}
    return EarlyStopping(**usual | settings)


def test_last_weights_after_a_stop():
    (finding,) = look([stopping()])
    assert finding.name == "best_weights_not_restored"
    assert finding.severity is Severity.WARNING
    assert finding.numbers == {"monitor": "val_loss", "best": 0.25, "epochs_since": 3}
    assert "after epoch 8 and left the model with its last weights, 3 epochs after val_loss was best (0.25)" in (
        finding.message
    )


class Own(EarlyStopping):
    """A class of the user's own."""


def test_a_class_of_the_users_own():
    assert len(list(look([Own(**vars(stopping()))]))) == 1


def test_before_it_stops_it_is_a_note():
    (finding,) = look([stopping(stopped_epoch=0)])
    assert finding.severity is Severity.INFO
    assert "EarlyStopping(monitor='val_loss') would leave the model with its last weights" in finding.message


def test_restored_saved_or_best_at_the_end():
    assert list(look([stopping(restore_best_weights=True)])) == []
    assert list(look([stopping(), ModelCheckpoint()])) == []
    assert list(look([stopping(best_epoch=7)])) == []
    assert list(look([])) == []


@pytest.mark.slow
def test_in_a_script(traced):
    told = traced("early_stopping", 1000)
    assert [(one["name"], one["severity"]) for one in told["findings"]] == [("best_weights_not_restored", "warning")]
    assert told["findings"][0]["numbers"]["epochs_since"] == 2
    assert [one["severity"] for one in traced("early_stopping", 0)["findings"]] == ["info"]
