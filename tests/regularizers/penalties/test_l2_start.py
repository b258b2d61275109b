"""L2 to a starting point, against automatic differentiation of its formula; where it starts is tested with attach."""

import torch

from bridle.regularizers.penalties import L2Start
from bridle.testing import material

CPU = torch.device("cpu")


def test_value_and_gradient_are_of_the_distance():
    weights = [weight.requires_grad_() for weight in material.weights(CPU)]
    starts = [material.normal(f"start {place}", *w.shape, device=CPU) for place, w in enumerate(weights)]
    away = [weight - start for weight, start in zip(weights, starts, strict=True)]
    formula = sum(((weight - start) ** 2).sum() for weight, start in zip(weights, starts, strict=True)) * 0.15
    expected = torch.autograd.grad(formula, weights)
    torch.testing.assert_close(L2Start(0.3).value(away), formula)
    for found, wanted in zip(L2Start(0.3).gradient(away), expected, strict=True):
        torch.testing.assert_close(found.detach(), wanted)


def test_its_recipe_names_the_checkpoint():
    assert L2Start(0.3).checkpoint == ""
    assert L2Start(0.3, "base.safetensors").checkpoint == "base.safetensors"
