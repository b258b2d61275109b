"""Mixup against scipy's Beta distribution and the losses of its parents."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy import stats

from bridle.regularizers.augment import Mixup
from bridle.regularizers.augment.mixup import larger_beta


@pytest.mark.parametrize("strength", [0.05, 0.2, 0.4, 1.0, 4.0, 50.0])
def test_shares_are_the_upper_half_of_a_beta_distribution(strength):
    uniforms = torch.linspace(0, 1 - 1e-5, 2001)
    expected = stats.beta(strength, strength).ppf(0.5 + (uniforms.double() + 2.0**-25).numpy() / 2)
    np.testing.assert_allclose(larger_beta(uniforms, strength).numpy(), expected, atol=1e-3)


def test_without_strength_nothing_is_mixed():
    uniforms = torch.linspace(0, 1 - 2.0**-24, 2001)
    assert torch.equal(larger_beta(uniforms, 0.0), torch.ones(2001))


def test_strength_may_be_a_tensor():
    uniforms = torch.rand(100, generator=torch.Generator().manual_seed(0))
    assert torch.equal(larger_beta(uniforms, torch.tensor(0.4)), larger_beta(uniforms, 0.4))


def test_inputs_and_targets_are_mixed_alike(coloured, draws):
    count = len(coloured.inputs)
    marked = dataclasses.replace(
        coloured,
        inputs=torch.eye(count, dtype=torch.float64)[:, :, None, None].expand(count, count, 2, 2).contiguous(),
        targets=torch.eye(count, dtype=torch.float64),
    )
    mixed = Mixup(1.0).apply(marked, draws)
    torch.testing.assert_close(mixed.inputs[:, :, 0, 0], mixed.targets)
    shares = mixed.targets.diagonal()
    assert float(shares.min()) >= 0.5
    partners = mixed.targets.clone().fill_diagonal_(0).argmax(1)
    alone = shares == 1
    assert sorted(partners[~alone].tolist()) == sorted(torch.arange(count)[~alone].tolist())
    torch.testing.assert_close(mixed.targets.sum(1), torch.ones(count, dtype=torch.float64))


def test_the_loss_of_a_mixture_is_the_mixture_of_the_losses(coloured, draws):
    """Weights included: sum w' loss(f, y') = sum l w loss(f, y) + (1 - l) w* loss(f, y*)."""
    generator = torch.Generator().manual_seed(0)
    weights = torch.rand(64, generator=generator, dtype=torch.float64)
    weights[:5] = 0
    batch = dataclasses.replace(coloured, weights=weights)
    mixup = Mixup(1.0)
    mixed = mixup.apply(batch, draws)
    order = draws.uniform("mixup.partner", (64,), batch.inputs).argsort()
    share = larger_beta(draws.per_example("mixup", batch.examples, batch.times, 1)[:, 0], 1.0).double()
    logits = torch.randn(64, 3, generator=generator, dtype=torch.float64)

    def losses(targets):
        return -(targets * logits.log_softmax(1)).sum(1)

    expected = share * weights * losses(batch.targets) + (1 - share) * weights[order] * losses(batch.targets[order])
    torch.testing.assert_close(mixed.weights * losses(mixed.targets), expected)
    assert bool(mixed.targets.isfinite().all())


def test_the_gradient_of_squared_error_is_mixed_too(coloured, draws):
    batch = dataclasses.replace(coloured, targets=coloured.inputs[:, :1, 0, 0], weights=coloured.inputs[:, 1, 0, 0])
    mixed = Mixup(1.0).apply(batch, draws)
    order = draws.uniform("mixup.partner", (64,), batch.inputs).argsort()
    share = larger_beta(draws.per_example("mixup", batch.examples, batch.times, 1)[:, 0], 1.0).double()
    output = torch.zeros(64, 1, dtype=torch.float64, requires_grad=True)
    own = share * batch.weights * (output - batch.targets).square()[:, 0]
    other = (1 - share) * batch.weights[order] * (output - batch.targets[order]).square()[:, 0]
    (expected,) = torch.autograd.grad((own + other).sum(), output, retain_graph=True)
    (found,) = torch.autograd.grad((mixed.weights * (output - mixed.targets).square()[:, 0]).sum(), output)
    torch.testing.assert_close(found, expected)


def test_partners_change_with_the_step(coloured, draws):
    later = dataclasses.replace(draws, step=draws.step + 1)
    first, second = Mixup(1.0).apply(coloured, draws), Mixup(1.0).apply(coloured, later)
    assert not torch.equal(first.inputs, second.inputs)


def test_in_a_table_numbers_are_mixed_and_categories_chosen(table, draws):
    mixed = Mixup(1.0).apply(table, draws)
    order = draws.uniform("mixup.partner", (4000,), table.inputs).argsort()
    share = larger_beta(draws.per_example("mixup", table.examples, table.times, 1)[:, 0], 1.0).double()[:, None]
    expected = share * table.inputs[:, :4] + (1 - share) * table.inputs[order, :4]
    torch.testing.assert_close(mixed.inputs[:, :4], expected)
    own, other = mixed.inputs[:, 4:] == table.inputs[:, 4:], mixed.inputs[:, 4:] == table.inputs[order, 4:]
    assert bool((own | other).all())
    unlike = table.inputs[:, 4:] != table.inputs[order, 4:]
    kept = float(own[unlike].double().mean())
    assert kept == pytest.approx(float(share.expand(-1, 3)[unlike].mean()), abs=0.02)
