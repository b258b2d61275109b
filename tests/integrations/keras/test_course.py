"""Early stopping with the best weights restored, by a callback that every fit gets by itself."""

import keras
import numpy as np
import pytest

import bridle
from bridle.errors import RecipeError
from bridle.integrations.keras.course import Course


def run(model, losses, stop, resumed=None):
    """Epochs with these validation losses; each leaves its number in the weights. Gives how many were trained."""
    course = Course(None, stop)
    course.set_model(model)
    if resumed:
        course.load(resumed)
        course.resumed = True
    model.stop_training = False
    course.on_train_begin()
    for epoch, loss in enumerate(losses):
        model.set_weights([np.full_like(value, epoch) for value in model.get_weights()])
        course.on_epoch_end(epoch, {"val_loss": loss})
        if model.stop_training:
            break
    course.on_train_end()
    return epoch + 1, course


def test_it_stops_after_patience_and_restores_the_best(compiled, values):
    model = compiled()
    assert run(model, [3.0, 2.0, 2.5, float("nan"), 1.0], bridle.EarlyStopping(2))[0] == 4
    assert {float(value.flat[0]) for value in values(model)} == {1.0}


def test_the_best_is_restored_where_it_did_not_stop(compiled, values):
    model = compiled()
    assert run(model, [3.0, 2.0, 2.5], bridle.EarlyStopping(5))[0] == 3
    assert {float(value.flat[0]) for value in values(model)} == {1.0}


def test_a_resumed_training_counts_on(compiled, values):
    model = compiled()
    _, course = run(model, [1.0, 2.0], bridle.EarlyStopping(3))
    assert run(model, [2.0, 2.0, 2.0], bridle.EarlyStopping(3), resumed=course.state())[0] == 2
    assert {float(value.flat[0]) for value in values(model)} == {0.0}


def test_fit_brings_it_along(compiled, fit, problem, values):
    x, y = problem
    model = compiled(keras.optimizers.SGD(5.0))
    bridle.keras.regularize(model, bridle.Recipe(bridle.EarlyStopping(2)))
    history = fit(model, epochs=50, validation_data=(x[::-1].copy(), y), callbacks=[keras.callbacks.History()]).history
    best = int(np.argmin(history["val_loss"]))
    assert len(history["val_loss"]) == best + 3
    assert model.evaluate(x[::-1].copy(), y, verbose=0) == pytest.approx(history["val_loss"][best], rel=1e-5)


def test_with_an_average_the_best_average_is_kept(compiled, fit, problem):
    x, y = problem
    model = compiled(keras.optimizers.SGD(1.0))
    bridle.keras.regularize(model, bridle.Recipe(bridle.EarlyStopping(2), bridle.EMA(0.9)))
    history = fit(model, epochs=30, validation_data=(x[::-1].copy(), y)).history
    assert model.evaluate(x[::-1].copy(), y, verbose=0) == pytest.approx(min(history["val_loss"]), rel=1e-5)


def test_it_needs_validation_data(compiled, fit):
    model = compiled()
    bridle.keras.regularize(model, bridle.Recipe(bridle.EarlyStopping(2)))
    with pytest.raises(RecipeError, match=r"Early stopping watches the loss on validation data, and this epoch has no"):
        fit(model)


def test_a_callback_list_is_taken(compiled, fit, problem):
    model = compiled(keras.optimizers.SGD(0.0))
    bridle.keras.regularize(model, bridle.Recipe(bridle.EarlyStopping(1)))
    given = keras.callbacks.CallbackList([], add_history=True, model=model)
    fit(model, epochs=9, validation_data=problem, callbacks=given)
    assert len(model.history.history["loss"]) == 2
