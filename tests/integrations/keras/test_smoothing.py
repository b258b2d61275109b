"""Label smoothing in the training loss, and in no other."""

import keras
import numpy as np
import pytest

import bridle
from bridle.errors import RecipeError

SPARSE = keras.losses.SparseCategoricalCrossentropy
DENSE = keras.losses.CategoricalCrossentropy


def trained(model, x, y, weights=None):
    model.fit(x, y, sample_weight=weights, batch_size=16, epochs=2, shuffle=False, verbose=0)
    return model.get_weights()


@pytest.mark.parametrize("sparse", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_as_keras_s_own_label_smoothing(sparse, weighted, net, problem, close):
    x, y = problem
    coded, weights = np.eye(3, dtype="float32")[y], np.linspace(0, 2, 64).astype("float32") if weighted else None
    own, ours = net(), net()
    ours.set_weights(own.get_weights())
    own.compile(keras.optimizers.SGD(0.1), loss=DENSE(from_logits=True, label_smoothing=0.2))
    ours.compile(keras.optimizers.SGD(0.1), loss=(SPARSE if sparse else DENSE)(from_logits=True))
    bridle.keras.regularize(ours, bridle.Recipe(bridle.LabelSmoothing(0.2)))
    close(trained(ours, x, y if sparse else coded, weights), trained(own, x, coded, weights), atol=1e-6)


def test_two_classes_in_one_output(problem, close):
    x, y = problem
    inputs = keras.Input((6,))
    own = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(inputs))
    ours = keras.models.clone_model(own)
    ours.set_weights(own.get_weights())
    targets = (y[:, None] > 0).astype("float32")
    own.compile(keras.optimizers.SGD(0.1), loss=keras.losses.BinaryCrossentropy(label_smoothing=0.2))
    ours.compile(keras.optimizers.SGD(0.1), loss="binary_crossentropy")
    bridle.keras.regularize(ours, bridle.Recipe(bridle.LabelSmoothing(0.2)))
    close(trained(ours, x, targets), trained(own, x, targets), atol=1e-6)


def test_evaluation_keeps_the_targets(compiled, problem):
    model = compiled()
    clean = model.evaluate(*problem, verbose=0)
    bridle.keras.regularize(model, bridle.Recipe(bridle.LabelSmoothing(0.5)))
    assert model.evaluate(*problem, verbose=0) == pytest.approx(clean, rel=1e-6)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("mse", r"label_smoothing needs one output under a cross-entropy of Keras's .*; the model was compiled with l"),
        (DENSE(label_smoothing=0.1), r"would act on top of the loss's own label_smoothing=0.1"),
        (DENSE(reduction=None), r"that is reduced to a number"),
        (SPARSE(ignore_class=0), r"without loss_weights, ignore_class or an axis of its own"),
        (DENSE(axis=1), r"without loss_weights, ignore_class or an axis of its own"),
    ],
)
def test_other_losses_are_refused(loss, message, compiled):
    with pytest.raises(RecipeError, match=message):
        bridle.keras.regularize(compiled(loss=loss), bridle.Recipe(bridle.LabelSmoothing(0.1)))


def test_weighted_losses_are_refused(compiled):
    with pytest.raises(RecipeError, match=r"without loss_weights"):
        bridle.keras.regularize(compiled(loss_weights=2.0), bridle.Recipe(bridle.LabelSmoothing(0.1)))


def test_one_rule_only(compiled):
    recipe = bridle.Recipe(bridle.LabelSmoothing(0.1), bridle.LabelSmoothing(0.1, label="again"))
    with pytest.raises(RecipeError, match=r"one target rule, LabelSmoothing; got label_smoothing, again"):
        bridle.keras.regularize(compiled(), recipe)
