"""Schedules in Keras operations are those of the dials."""

import keras
import pytest

import bridle
from bridle.integrations.keras.moving import at, progress


@pytest.mark.parametrize("shape", ["linear", "cosine", "exponential"])
@pytest.mark.parametrize("now", [0.0, 0.1, 0.4, 0.5, 1.0])
def test_the_value_is_the_dial_s(shape, now):
    item = bridle.L2(bridle.schedule(0.1, 0.8, until=0.5, shape=shape))
    found = at(item, keras.ops.convert_to_tensor(now, dtype="float32")).strength
    assert float(keras.ops.convert_to_numpy(found)) == pytest.approx(item.at(now).strength, rel=1e-6)
    assert at(item, now).strength == item.at(now).strength


def test_what_does_not_move_stays():
    assert at(bridle.L2(0.3), keras.ops.convert_to_tensor(0.5)).strength == 0.3


@pytest.mark.parametrize(("taken", "share"), [(0, 0.0), (3, 0.3), (12, 1.0)])
def test_progress(taken, share):
    counted = keras.Variable(taken, dtype="int32", trainable=False)
    assert float(progress(counted, 10)) == pytest.approx(share)
    assert progress(counted, None) == 0.0
