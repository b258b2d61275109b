"""The formulas in Keras operations are those of the regularizers; and all tests here hold under TensorFlow too."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import torch

import bridle
from bridle.integrations.keras.graph import GraphFormulas
from bridle.integrations.keras.parts import Part
from bridle.integrations.keras.scope import resolve

PENALTIES = [
    bridle.L1(0.2),
    bridle.ElasticNet(0.2, 0.5),
    bridle.GroupLasso(0.2),
    bridle.GroupLasso(0.2, groups="inputs"),
    bridle.GroupLasso(0.2, groups="kernels"),
    bridle.SparseGroupLasso(0.1, 0.1),
    bridle.SparseGroupLasso(0.1, 0.1, groups="inputs"),
]
each_penalty = pytest.mark.parametrize("item", PENALTIES, ids=lambda item: f"{item.key}-{getattr(item, 'groups', '')}")
each_layer = pytest.mark.parametrize("layer", ["dense", "conv"])


@pytest.fixture(autouse=True)
def without_graph():
    with torch.no_grad():
        yield


@pytest.fixture
def bound():
    """One kernel with numbers of all sizes, and a whole group of it at zero."""

    def make(item, layer):
        inputs = keras.Input((5,) if layer == "dense" else (6, 6, 5))
        kind = keras.layers.Dense(4) if layer == "dense" else keras.layers.Conv2D(4, 3)
        model = keras.Model(inputs, kind(inputs))
        (weight,) = resolve(model, "matrices", who="test")
        source = np.random.default_rng(1)
        numbers = (source.normal(size=weight.variable.shape) * 0.3).astype("float32")
        numbers[..., 0] = 0.0
        numbers[..., 1] *= 0.02  # one neuron, and one input, that is to become zero as a whole
        numbers[..., 2, :] *= 0.02
        weight.variable.assign(numbers)
        return Part(item, [weight]), weight, torch.from_numpy(numbers).permute(weight.axes).contiguous()

    return make


def back(weight, tensor):
    return tensor.permute(*np.argsort(weight.axes).tolist()).numpy()


@each_penalty
@each_layer
@pytest.mark.parametrize("steps", ["one", "each"])
def test_proximal_steps(item, layer, steps, bound):
    part, weight, seen = bound(item, layer)
    source = np.random.default_rng(2)
    moved = 0.7 if steps == "one" else source.uniform(0.2, 2.0, weight.variable.shape).astype("float32")
    (expected,) = item.prox([seen], [0.7 if steps == "one" else torch.from_numpy(moved).permute(weight.axes)])
    formulas = GraphFormulas([part], lambda *_: keras.ops.convert_to_tensor(moved), {})
    formulas.after({id(weight.variable): 0}, 0.1, 0)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(weight.variable.value), back(weight, expected), atol=1e-6)
    assert (back(weight, expected) == 0).sum() > seen[:1].numel(), "some weights must have become zero"


@pytest.mark.parametrize(
    "item",
    [
        bridle.L2(0.3),
        bridle.L1(0.3, gradient_only=True),
        bridle.ElasticNet(0.3, 0.2, gradient_only=True),
        bridle.GroupLasso(0.3, gradient_only=True),
        bridle.SparseGroupLasso(0.1, 0.3, groups="inputs", gradient_only=True),
    ],
    ids=lambda item: item.key,
)
@each_layer
def test_gradients(item, layer, bound):
    part, weight, seen = bound(item, layer)
    slope = np.ones(weight.variable.shape, "float32")
    formulas = GraphFormulas([part], None, {})
    (found,) = formulas.before([keras.ops.convert_to_tensor(slope)], {id(weight.variable): 0}, 0.1, 0)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found) - 1, back(weight, item.gradient([seen])[0]), atol=1e-6)


def test_a_starting_point_lies_as_keras_lays_it_out(bound):
    part, weight, seen = bound(bridle.L2Start(0.5), "dense")
    start = torch.arange(20.0).reshape(4, 5)
    formulas = GraphFormulas([part], None, {f"l2_start/{weight.name}": start})
    (found,) = formulas.before([keras.ops.zeros((5, 4))], {id(weight.variable): 0}, 0.1, 0)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found), back(weight, 0.5 * (seen - start)), atol=1e-6)


def test_weights_without_a_gradient_are_left_alone(bound):
    part, weight, seen = bound(bridle.L1(0.5), "dense")
    formulas = GraphFormulas([part], lambda *_: 1.0, {})
    formulas.after({}, 0.1, 0)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(weight.variable.value), back(weight, seen))


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="needs TensorFlow")
def test_all_of_it_holds_under_tensorflow(tmp_path):
    folder = Path(__file__).parent
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider", "-W", "ignore"]
    done = subprocess.run(
        [*command, f"--basetemp={tmp_path / 'base'}", str(folder)],
        env={**os.environ, "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": ""},
        cwd=folder.parents[2],
        capture_output=True,
        text=True,
        timeout=550,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
