"""What only the torch backend serves: every penalty by its own code, schedules, gradient noise."""

import keras
import numpy as np
import pytest
import torch

import bridle

pytestmark = pytest.mark.usefixtures("torch_only")

ITEMS = [
    bridle.MCP(0.02),
    bridle.SCAD(0.02),
    bridle.Nuclear(0.05),
    bridle.Orthogonality(0.05),
    bridle.SpectralStep(0.3),
    bridle.L1(bridle.schedule(0.0, 0.05)),
    bridle.DecoupledDecay(bridle.schedule(1.0, 0.0, until=0.5)),
]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.key)
def test_as_in_a_plain_loop(item, compiled, fit, values, plain, close):
    model = compiled(keras.optimizers.SGD(0.1, momentum=0.9))
    start = values(model)
    bridle.keras.regularize(model, bridle.Recipe(item), steps=12)
    fit(model)
    expected = plain(start, lambda w: torch.optim.SGD(w, 0.1, momentum=0.9), item, steps=12)
    close(values(model), expected)


def test_a_convolution_is_seen_as_torch_sees_it(compiled, values):
    """Spectral norm and groups of a kernel in (window, inputs, neurons) are those of torch's layout."""
    model = keras.Sequential(
        [keras.layers.Input((5, 5, 2)), keras.layers.Conv2D(3, 3, name="conv"), keras.layers.Flatten()]
    )
    model.compile(keras.optimizers.SGD(0.5), loss="mse")
    before = torch.from_numpy(values(model)[0]).permute(3, 2, 0, 1).contiguous()
    item = bridle.GroupLasso(0.2, groups="inputs")
    bridle.keras.regularize(model, bridle.Recipe(item))
    images = np.zeros((2, 5, 5, 2), "float32")
    model.train_on_batch(images, np.zeros((2, 27), "float32"))
    (expected,) = item.prox([before], [0.5])
    np.testing.assert_allclose(values(model)[0], expected.permute(2, 3, 1, 0).numpy(), atol=1e-6)


def test_gradient_noise_repeats_by_its_seed(compiled, fit, values):
    def trained(seed):
        keras.utils.set_random_seed(0)
        model = compiled()
        bridle.keras.regularize(model, bridle.Recipe(bridle.GradientNoise(0.1)), seed=seed)
        fit(model)
        return values(model)

    one, same, other = trained(1), trained(1), trained(2)
    np.testing.assert_array_equal(one[0], same[0])
    assert np.abs(one[0] - other[0]).max() > 1e-3
