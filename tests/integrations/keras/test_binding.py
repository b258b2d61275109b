"""What cannot be served is refused by name, and leaves the model as it was."""

import warnings
from types import SimpleNamespace

import keras
import pytest

import bridle
from bridle.errors import ModelError, RecipeError


def regularize(model, *items, **others):
    return bridle.keras.regularize(model, bridle.Recipe(*items), **others)


@pytest.mark.parametrize(
    ("item", "message"),
    [
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
        (bridle.SpectralStep(0.1), r"spectral_step is not served in Keras: the compiled step of TensorFlow"),
        (
            bridle.InputGradient(0.1),
            r"input_gradient is not served in Keras: the compiled step of TensorFlow has no",
        ),
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


def test_backends(compiled, monkeypatch):
    model = compiled()
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ModelError, match=r"serves the backends tensorflow and torch; this is jax. Set KERAS_BACKEND"):
        regularize(model, bridle.L2(0.1))


def test_replicas(compiled):
    model = compiled()
    model._distribute_strategy = SimpleNamespace(num_replicas_in_sync=2)
    if not hasattr(type(model), "distribute_strategy"):  # TensorFlow's models have it
        model.distribute_strategy = model._distribute_strategy
    with pytest.raises(ModelError, match=r"A model on 2 replicas is not served: the penalty would count once for each"):
        regularize(model, bridle.L2(0.1))


def test_mixed_float16(net):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = net()
        model.compile(keras.optimizers.SGD(0.1), "mse")
    finally:
        keras.config.set_dtype_policy("float32")
    with pytest.raises(ModelError, match=r"\(dtype policy mixed_float16\) is not served.*Use mixed_bfloat16"):
        regularize(model, bridle.L2(0.1))


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
    with pytest.warns(UserWarning, match=r"l2 acts on first.kernel and 1 more, which SGD decays by itself") as caught:
        bridle.keras.regularize(model, bridle.Recipe(bridle.L2(0.1)))
    assert [warning.filename for warning in caught] == [__file__]
