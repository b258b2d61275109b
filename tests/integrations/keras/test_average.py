"""The average is that of the recipe's own record, and evaluation sees it."""

import keras
import numpy as np
import pytest
import torch

import bridle


class Trace(keras.callbacks.Callback):
    """The weights after each batch, and in each evaluation."""

    def __init__(self, values):
        super().__init__()
        self.copy, self.steps, self.tests = values, [], []

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append(self.copy(self.model))

    def on_test_batch_begin(self, batch, logs=None):
        self.tests.append(self.copy(self.model))


def averages(start, steps, decay):
    """The record's own average of a course of weights, after each step."""
    item = bridle.EMA(decay)
    state = item.start({str(number): torch.from_numpy(value) for number, value in enumerate(start)})
    for weights in steps:
        state = item.update(state, {str(number): torch.from_numpy(value) for number, value in enumerate(weights)})
        yield [value.numpy() for value in item.average(state).values()]


@pytest.mark.parametrize("decay", [0.5, 0.99])
def test_it_is_the_average_of_the_live_weights(decay, compiled, fit, values, close, problem):
    model, trace = compiled(), Trace(values)
    start = values(model)
    bridle.keras.regularize(model, bridle.Recipe(bridle.EMA(decay)))
    fit(model, callbacks=[trace], validation_data=problem, validation_batch_size=64)
    expected = list(averages(start, trace.steps, decay))
    close(trace.tests[0], expected[3], atol=1e-6)
    close(trace.tests[-1], expected[-1], atol=1e-6)
    close(values(model), expected[-1], atol=1e-6)
    assert np.abs(trace.steps[-1][0] - expected[-1][0]).max() > 1e-4


def test_training_goes_on_with_the_live_weights(compiled, fit, values, close, problem):
    live, bare = compiled(), compiled()
    bare.set_weights(live.get_weights())
    one, other = Trace(values), Trace(values)
    bridle.keras.regularize(live, bridle.Recipe(bridle.EMA(0.99)))
    fit(live, callbacks=[one], validation_data=problem)
    fit(live, callbacks=[one], validation_data=problem)
    fit(bare, callbacks=[other], epochs=6)
    close(one.steps[-1], other.steps[-1], atol=1e-6)


def test_weights_set_in_between_begin_a_new_average(compiled, fit, values, close):
    model, trace = compiled(), Trace(values)
    bridle.keras.regularize(model, bridle.Recipe(bridle.EMA(0.9)))
    fit(model)
    start = [np.ones_like(value) for value in values(model)]
    model.set_weights(start)
    fit(model, callbacks=[trace])
    close(values(model), list(averages(start, trace.steps, 0.9))[-1], atol=1e-6)


def test_exact_zeros_stay_in_the_average(compiled, fit, values):
    model = compiled()
    bridle.keras.regularize(model, bridle.Recipe(bridle.EMA(0.99), bridle.L1(0.05)))
    fit(model, epochs=10)
    assert (values(model)[0] == 0).any()
