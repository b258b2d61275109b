"""The curvature against the Gauss-Newton matrix by automatic differentiation."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.func import functional_call, jacrev

from bridle.core import Batch
from bridle.engine.curvature import curvature, hessian_root
from bridle.engine.losses import cross_entropy
from bridle.models import cnn, mlp
from bridle.models.inputs import Inputs
from bridle.records import Kind, Task


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def batch(inputs, classes=3, weights=None):
    rows = torch.arange(len(inputs))
    targets = nn.functional.one_hot(rows % classes, classes).double() if classes else drawn(len(rows), 1, seed=9)
    weights = torch.ones(len(rows), dtype=torch.float64) if weights is None else weights
    return Batch(inputs, targets, weights, rows, rows, Kind.TABLE)


def small_net(outputs=3):
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, outputs)).double()


def gauss_newton(model, name, given, task):
    """``sum_i J_i^T H_i J_i`` of one weight, dense, by reverse-mode differentiation of every output."""
    weights = dict(model.named_parameters())

    def output(weight):
        return functional_call(model, {**weights, name: weight}, (given.inputs,))

    jacobian = jacrev(output)(weights[name]).flatten(2).detach()
    p = output(weights[name]).detach().softmax(1)
    hessians = torch.diag_embed(p) - p[:, :, None] * p[:, None]
    if task is Task.REGRESSION:
        hessians = torch.ones(len(p), 1, 1, dtype=torch.float64)
    return torch.einsum("b,bcp,bcd,bdq->pq", given.weights, jacobian, hessians, jacobian)


def found_of(model, names, given, task=Task.CLASSIFICATION, examples=None):
    return curvature(model, names, given if isinstance(given, list) else [given], task, examples or len(given.inputs))


def check_spectrum(layer, dense):
    expected = torch.linalg.eigvalsh(dense)
    torch.testing.assert_close(torch.as_tensor(layer.eigenvalues).sort()[0], expected, atol=1e-10, rtol=1e-8)


@pytest.mark.parametrize("task", list(Task))
def test_one_example_is_exact_in_every_layer(task):
    classes = 3 if task is Task.CLASSIFICATION else 0
    model, given = small_net(classes or 1), batch(drawn(1, 4), classes)
    for layer in found_of(model, ["0.weight", "2.weight"], given, task).layers:
        check_spectrum(layer, gauss_newton(model, layer.name, given, task))


def test_a_linear_regression_is_exact():
    model, given = nn.Linear(4, 1).double(), batch(drawn(9, 4), 0)
    found = found_of(model, ["weight"], given, Task.REGRESSION)
    check_spectrum(found.layers[0], gauss_newton(model, "weight", given, Task.REGRESSION))
    check_spectrum(found.layers[0], given.inputs.T @ given.inputs)


def test_equal_examples_are_exact_and_weigh_what_they_weigh():
    weights = torch.tensor([0.5, 2.0, 0.5], dtype=torch.float64)
    model, given = small_net(), batch(drawn(1, 4).repeat(3, 1), weights=weights)
    for layer in found_of(model, ["0.weight", "2.weight"], given).layers:
        check_spectrum(layer, gauss_newton(model, layer.name, given, Task.CLASSIFICATION))


def test_a_kernel_as_large_as_the_image_is_a_linear_layer():
    flat, image = (
        nn.Sequential(nn.Flatten(), nn.Linear(18, 3)).double(),
        nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten()),
    )
    image = image.double()
    image[0].weight.data = flat[1].weight.data.reshape(3, 2, 3, 3)
    image[0].bias.data = flat[1].bias.data
    given = batch(drawn(6, 2, 3, 3))
    one, other = found_of(flat, ["1.weight"], given), found_of(image, ["0.weight"], given)
    torch.testing.assert_close(*(torch.as_tensor(found.layers[0].eigenvalues) for found in (one, other)))
    assert one.loss == pytest.approx(other.loss)


def test_a_layer_whose_gradients_do_not_depend_on_the_example_is_exact():
    model, given = small_net(), batch(drawn(30, 4))
    for parameter in model[2].parameters():
        parameter.data.zero_()  # all classes stay equally likely
    layer = found_of(model, ["2.weight"], given).layers[0]
    check_spectrum(layer, gauss_newton(model, "2.weight", given, Task.CLASSIFICATION))


def test_loss_and_squares():
    model, given = small_net(), batch(drawn(7, 4), weights=drawn(7, seed=3).square())
    found = found_of(model, ["2.weight"], given)
    losses = nn.functional.cross_entropy(model(given.inputs), given.targets, reduction="none")
    assert found.loss == pytest.approx((given.weights * losses).sum().item())
    assert found.layers[0].square == pytest.approx(model[2].weight.square().sum().item())


def test_batches_add_up_and_a_part_stands_for_all():
    model, whole = small_net(), batch(drawn(8, 4))
    names = ["0.weight", "2.weight"]
    one, parts = found_of(model, names, whole), curvature(model, names, list(whole.split(3)), Task.CLASSIFICATION, 8)
    tenfold = found_of(model, names, whole, examples=80)
    assert parts.loss == pytest.approx(one.loss)
    assert (tenfold.loss, tenfold.examples) == (pytest.approx(10 * one.loss), 80)
    for first, second, third in zip(one.layers, parts.layers, tenfold.layers, strict=True):
        torch.testing.assert_close(*(torch.as_tensor(layer.eigenvalues) for layer in (first, second)))
        torch.testing.assert_close(*(torch.as_tensor(values) for values in (10 * first.eigenvalues, third.eigenvalues)))


def test_an_activation_in_place_does_no_harm():
    apart, inside = (nn.Sequential(nn.Linear(4, 5), nn.ReLU(inplace=way), nn.Linear(5, 3)).double() for way in (0, 1))
    inside.load_state_dict(apart.state_dict())
    given = batch(drawn(6, 4))
    one, other = found_of(apart, ["0.weight"], given), found_of(inside, ["0.weight"], given)
    torch.testing.assert_close(*(torch.as_tensor(found.layers[0].eigenvalues) for found in (one, other)))


def test_noise_is_off_and_the_network_is_left_as_it_was():
    model = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Dropout(0.5), nn.Linear(5, 3)).double().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    given = batch(drawn(6, 4))
    one, other = (found_of(model, ["0.weight"], given) for _ in range(2))
    assert one.layers[0].eigenvalues.tolist() == other.layers[0].eigenvalues.tolist()
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())
    torch.testing.assert_close(dict(model.state_dict()), before, rtol=0, atol=0)


@pytest.mark.parametrize("kind", list(Kind))
def test_the_default_networks(kind):
    shape = (7,) if kind is Kind.TABLE else (1, 8, 8)
    cardinalities = (3, 4) if kind is Kind.TABLE else ()
    inputs = Inputs(kind, shape, 3, continuous=5 if cardinalities else 0, cardinalities=cardinalities)
    model = (mlp(inputs, width=8) if cardinalities else cnn(inputs, width=2)).double()
    names = [name for name, weight in model.named_parameters() if weight.ndim > 1 and "norm" not in name]
    names = [name for name in names if not name.startswith(("waves", "table"))]
    given = batch(drawn(1, *shape))
    given = replace(given, inputs=given.inputs.clone())
    if cardinalities:
        given.inputs[:, 5:] = torch.tensor([1.0, 2.0])
    found = found_of(model, names, given)
    assert [layer.name for layer in found.layers] == names
    model.eval()
    check_spectrum(found.layers[-1], gauss_newton(model, "head.weight", given, Task.CLASSIFICATION))
    if cardinalities:
        check_spectrum(found.layers[0], gauss_newton(model, names[0], given, Task.CLASSIFICATION))


def test_the_root_squared_is_the_hessian_of_the_loss():
    output, target = drawn(1, 4), torch.tensor([[0.0, 1.0, 0.0, 0.0]], dtype=torch.float64)
    root = hessian_root(output, Task.CLASSIFICATION)[0]
    expected = jacrev(jacrev(lambda logits: cross_entropy(logits, target).sum()))(output)[0, :, 0]
    torch.testing.assert_close(root @ root.T, expected)
    assert hessian_root(drawn(2, 1), Task.REGRESSION).tolist() == [[[1.0]], [[1.0]]]
