"""What cannot be served is refused by name, and leaves the model as it was."""

import warnings

import keras
import pytest

import bridle
from bridle.errors import ModelError, RecipeError


def regularize(model, *items, **others):
    return bridle.keras.regularize(model, bridle.Recipe(*items), **others)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (bridle.ActivationL2(0.1), r"activation_l2 is not served in Keras: it looks into the forward pass"),
        (bridle.SAM(0.1), r"sam is not served in Keras: it takes the gradient anew"),
        (bridle.L2Start(0.1, checkpoint="a.safetensors"), r"l2_start is not served in Keras: weights start at where"),
        (bridle.HierarchicalLasso(0.1), r"hierarchical_lasso is not served in Keras: it ties two weights"),
        (bridle.L2(bridle.between(0.1, 1)), r"needs a value for every dial; free are l2.strength"),
        (bridle.FeatureNoise(bridle.schedule(0.1, 1)), r"feature_noise follows a schedule: say how long"),
    ],
    ids=lambda value: getattr(value, "key", ""),
)
def test_regularizers(item, message, compiled):
    model = compiled()
    with pytest.raises(RecipeError, match=message):
        regularize(model, item)
    regularize(model, bridle.L2(0.1))


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (bridle.MCP(0.1), r"mcp is not served in Keras: the compiled step of TensorFlow has formulas for L1, L2, L2St"),
        (bridle.GradientNoise(0.1), r"gradient_noise is not served in Keras: the compiled step of TensorFlow"),
        (bridle.L2(bridle.schedule(0.1, 1)), r"l2 is not served in Keras: a schedule cannot act in the compiled step"),
    ],
    ids=lambda value: getattr(value, "key", ""),
)
def test_what_only_torch_serves(item, message, backend, compiled):
    if backend == "torch":
        regularize(compiled(), item, steps=5)
        return
    with pytest.raises(RecipeError, match=message):
        regularize(compiled(), item, steps=5)


def test_models(net, compiled, backend):
    with pytest.raises(ModelError, match=r"takes a keras.Model; got Dense"):
        regularize(keras.layers.Dense(2), bridle.L2(0.1))
    with pytest.raises(ModelError, match=r"has no trainable weights yet, or all are frozen. Build it first"):
        regularize(keras.Sequential([keras.layers.Dense(2)]), bridle.L2(0.1))
    with pytest.raises(ModelError, match=r"has no optimizer. Call model.compile"):
        regularize(net(), bridle.L2(0.1))
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1))
    with pytest.raises(ModelError, match=r"A LossScaleOptimizer .* is not served"):
        regularize(compiled(scaled), bridle.L2(0.1))
    if backend == "torch":
        with pytest.raises(ModelError, match=r"compile\(jit_compile=True\) traces the training step"):
            regularize(compiled(jit_compile=True), bridle.L2(0.1))


def test_recipes(compiled):
    with pytest.raises(RecipeError, match=r"takes a bridle.Recipe; got L2"):
        bridle.keras.regularize(compiled(), bridle.L2(0.1))
    with pytest.raises(RecipeError, match=r"needs a recipe with a regularizer in it; this one is empty"):
        regularize(compiled())
    with pytest.raises(RecipeError, match=r"must be a whole number of optimizer steps, 1 or more; got 0"):
        regularize(compiled(), bridle.L2(0.1), steps=0)


def test_a_second_recipe(compiled):
    model = compiled()
    handle = regularize(model, bridle.L2(0.1))
    with pytest.raises(RecipeError, match=r"This model has a recipe already"):
        regularize(model, bridle.L1(0.1))
    handle.detach()
    regularize(model, bridle.L1(0.1))


def test_findings_are_warnings_and_errors_leave_nothing_bound(compiled):
    model = compiled(keras.optimizers.SGD(0.1, weight_decay=0.01))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match=r"l2 acts on first.kernel and 1 more, which SGD decays by itself"):
            regularize(model, bridle.L2(0.1))
    with pytest.warns(UserWarning, match=r"l2 acts on first.kernel and 1 more, which SGD decays by itself"):
        regularize(model, bridle.L2(0.1))
