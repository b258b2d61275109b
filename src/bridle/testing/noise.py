"""Laws of noise."""

import torch
from torch import Tensor

from bridle.core import Draws, Noise
from bridle.testing import material
from bridle.testing.law import Unchanged, off, require, require_alike, require_same
from bridle.testing.members import check_stacked

_ROWS = 20_000


def _sample(
    noise: Noise, device: torch.device, rows: int = 64, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor]:
    x = material.normal("activations", 12, device=device, dtype=dtype).expand(rows, 12)
    return x, material.uniform(f"uniforms {rows}", *noise.shape(x.shape), device=device)


def noise_has_the_right_mean(noise: Noise, device: torch.device) -> None:
    """Over many draws the mean of the noisy activations is the activation, within 5 standard errors."""
    x, uniforms = _sample(noise, device, _ROWS)
    noisy = noise.apply(x, uniforms)
    error = noisy.std(dim=0) / _ROWS**0.5
    away = ((noisy.mean(dim=0) - x[0]).abs() / error.clamp(min=1e-12)).max()
    require(bool(away < 5), f"the mean is {away:.1f} standard errors away from the activation: wrong scale?")


def noise_is_a_function_of_its_uniforms(noise: Noise, device: torch.device) -> None:
    """The same uniforms give the same result; it is like the activations, finite, and changes none in place."""
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        x, uniforms = _sample(noise, device, dtype=dtype)
        x = x.contiguous()
        with Unchanged(x, uniforms):
            first, second = noise.apply(x, uniforms), noise.apply(x, uniforms)
        require_alike(first, x, "the noisy activations must be like the activations")
        require(bool(first.isfinite().all()), "the noisy activations are not finite")
        require_same(first, second, "the same uniforms must give the same noise")


def each_seed_has_its_own_noise(noise: Noise, device: torch.device) -> None:
    """Another seed, fold or step gives other noise; noise that never changes anything is a bug."""
    if off(noise) == noise:
        return
    x = material.normal("activations", 2048, 8, device=device)
    keys = (Draws(0, 0, 0), Draws(1, 0, 0), Draws(0, 1, 0), Draws(0, 0, 1))
    results = [noise.apply(x, draws.uniform("place", noise.shape(x.shape), x)) for draws in keys]
    require(not torch.equal(results[0], x), "the noise changes nothing")
    for other in results[1:]:
        require(not torch.equal(results[0], other), "two seeds, folds or steps share their noise")


def zero_noise_is_the_identity(noise: Noise, device: torch.device) -> None:
    """With every dial that can be zero at zero, the activations stay exactly."""
    nothing = off(noise)
    if nothing is not None:
        x, uniforms = _sample(noise, device)
        require_same(nothing.apply(x, uniforms), x, "noise of size zero must be the identity")


def noise_lets_gradients_through(noise: Noise, device: torch.device) -> None:
    """The gradient with respect to the activations is finite and not zero everywhere."""
    x, uniforms = _sample(noise, device)
    x = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(noise.apply(x, uniforms).sum(), x)
    require(bool(slope.isfinite().all()) and bool((slope != 0).any()), "no gradient gets through the noise")


def noise_stacks(noise: Noise, device: torch.device) -> None:
    """The noise of members with unlike dials, stacked, is that of each alone."""
    x, uniforms = _sample(noise, device)
    check_stacked(lambda item, factor: [item.apply(x * factor, uniforms)], noise, device)


LAWS = (
    noise_has_the_right_mean,
    noise_is_a_function_of_its_uniforms,
    each_seed_has_its_own_noise,
    zero_noise_is_the_identity,
    noise_lets_gradients_through,
    noise_stacks,
)
