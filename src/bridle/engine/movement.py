"""How far an optimizer moves a weight per unit of constant gradient: the metric of an exact proximal step.

============== ===========================================================================================
optimizer      movement
============== ===========================================================================================
SGD            ``lr * (1 - dampening) / (1 - momentum)``; Nesterov ``lr / (1 - momentum)``
Adam, AdamW    ``lr / (sqrt(v_hat) + eps)`` per weight; with amsgrad v is the largest so far
NAdam          as Adam, times the sum of its two momentum weights (1 in the long run)
RAdam          ``lr * rectification * sqrt(1 - beta2^t) / (sqrt(v) + eps)``; ``lr`` while the variance is unknown
RMSprop        ``lr / (1 - momentum) / (sqrt(v) + eps)``; centered: v less the squared mean gradient
Adagrad        ``lr / (1 + (t - 1) lr_decay) / (sqrt(sum of g^2) + eps)``
Adadelta       ``lr * sqrt(u + eps) / sqrt(v + eps)``, u the mean of squared moves before the step
============== ===========================================================================================
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from torch import Tensor, optim
from torch.optim import Optimizer

from bridle.errors import RecipeError

State: TypeAlias = Mapping[str, Any]
Movement: TypeAlias = Callable[[State, State], Tensor | float]
"""From a parameter group and a weight's state right after a step (that of the optimizer, and its gradient as "grad"):
a number, or a tensor like the weight."""


def is_uniform(optimizer: Optimizer) -> bool:
    """Whether the movement is one number for all weights of a parameter group."""
    return isinstance(optimizer, optim.SGD)


def metric(optimizer: Optimizer) -> Movement:
    """The movement under ``optimizer``.

    Raises:
        RecipeError: If none is known, for an optimizer that is not torch's or steps in a way of its own.
    """
    if isinstance(optimizer, optim.Adadelta) and any(group["weight_decay"] for group in optimizer.param_groups):
        raise RecipeError(
            "A penalty with exact zeros needs the gradient that Adadelta saw, which its own weight_decay hides. "
            "Set weight_decay=0 and declare bridle.L2."
        )
    step = inspect.unwrap(type(optimizer).step)
    for cls, found in _METRICS.items():
        if isinstance(optimizer, cls) and step is inspect.unwrap(cls.step):
            return found
    raise RecipeError(
        f"A penalty with exact zeros needs the optimizer's own metric; none is known for {type(optimizer).__name__}. "
        f"Use {', '.join(sorted(cls.__name__ for cls in _METRICS))}, or gradient_only = true, which gives no zeros."
    )


def _sgd(group: State, _: State) -> float:
    share: float = 1.0 if group["nesterov"] or not group["momentum"] else 1.0 - group["dampening"]
    return float(group["lr"] * share / (1.0 - group["momentum"]))


def _adam(group: State, state: State) -> Tensor | float:
    square = state["max_exp_avg_sq" if group["amsgrad"] else "exp_avg_sq"]
    return _over_root(group["lr"], square, group["eps"], 1.0 - group["betas"][1] ** _steps(state))


def _nadam(group: State, state: State) -> Tensor | float:
    beta1, beta2 = group["betas"]
    step = _steps(state)
    now, soon = (beta1 * (1.0 - 0.5 * 0.96 ** (when * group["momentum_decay"])) for when in (step, step + 1))
    product = _number(state["mu_product"])
    weights = (1.0 - now) / (1.0 - product) + soon * (1.0 - beta1**step) / (1.0 - product * soon)
    return _over_root(group["lr"] * weights, state["exp_avg_sq"], group["eps"], 1.0 - beta2**step)


def _radam(group: State, state: State) -> Tensor | float:
    beta2, step = group["betas"][1], float(state["step"])
    correction = 1.0 - beta2**step
    longest = 2.0 / (1.0 - beta2) - 1.0
    length = longest - 2.0 * step * beta2**step / correction
    if length <= 5.0:
        return group["lr"]  # type: ignore[no-any-return]
    share = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
    return _over_root(group["lr"] * (share * correction) ** 0.5, state["exp_avg_sq"], group["eps"])


def _rmsprop(group: State, state: State) -> Tensor | float:
    square = state["square_avg"]
    if group["centered"]:
        square = (square - state["grad_avg"].square()).clamp_(min=0.0)
    return _over_root(group["lr"] / (1.0 - group["momentum"]), square, group["eps"])


def _adagrad(group: State, state: State) -> Tensor | float:
    rate = group["lr"] / (1.0 + (_steps(state) - 1.0) * group["lr_decay"])
    return _over_root(rate, state["sum"], group["eps"])


def _adadelta(group: State, state: State) -> Tensor | float:
    # The step has updated u already; its share of the new u follows from the gradient.
    keep, eps = group["rho"], group["eps"]
    variance = state["square_avg"] + eps
    share = (1.0 - keep) * state["grad"].square() / variance
    before = (state["acc_delta"] - eps * share) / (share + keep)
    moves: Tensor = (before.clamp_(min=0.0) + eps).div_(variance).sqrt_()
    return moves.mul_(group["lr"])


def _over_root(rate: Any, square: Tensor, eps: float, correction: Any = 1.0) -> Tensor:
    """``rate / (sqrt(square / correction) + eps)`` in as few passes as that takes."""
    root = correction**0.5
    # The constant keeps the square root of exact zeros off its slow path; it is invisible beside eps.
    return (square + 1e-30).sqrt_().add_(eps * root).reciprocal_().mul_(rate * root)


def _steps(state: State) -> Any:
    return _number(state["step"])


def _number(value: Any) -> Any:
    """A number where that costs no wait for a device; else the tensor."""
    return value.item() if isinstance(value, Tensor) and value.device.type == "cpu" else value


_METRICS: dict[type[Optimizer], Movement] = {
    optim.SGD: _sgd,
    optim.Adam: _adam,
    optim.AdamW: _adam,
    optim.NAdam: _nadam,
    optim.RAdam: _radam,
    optim.RMSprop: _rmsprop,
    optim.Adagrad: _adagrad,
    optim.Adadelta: _adadelta,
}
