"""Many at once equal one at a time: how a regularizer's dials are stacked."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from bridle.core import Regularizer, dials
from bridle.testing.instances import levels
from bridle.testing.law import require_close

R = TypeVar("R", bound=Regularizer)


def check_stacked(
    call: Callable[[R, Tensor], Sequence[Tensor]],
    regularizer: R,
    device: torch.device,
    *,
    tolerance: float = 1e-9,
) -> None:
    """``call(regularizer, factor)`` gives the same for unlike members stacked through ``torch.vmap`` as for each alone.

    The members have the low, middle and high value of the dials' search ranges, and zero where that is allowed; the
    factor, by which ``call`` multiplies what it hands over, is another one for each. A method that branches on a
    dial's value, or reads it out, cannot be stacked.

    Raises:
        BrokenLaw: If stacking gives something else.
        RuntimeError: If it cannot be stacked; torch says where.
    """
    given = {
        name: bounds for name, bounds in dials(type(regularizer)).items() if getattr(regularizer, name) is not None
    }
    members = {
        name: [*levels(bounds, name), 0 if bounds.low == 0 and not bounds.open_low else levels(bounds, name)[0]]
        for name, bounds in given.items()
    }
    stacked = {
        name: torch.tensor(values, dtype=torch.int64 if given[name].integer else torch.float64, device=device)
        for name, values in members.items()
    }
    factors = torch.tensor([1.0, 0.9, 0.8, 0.7], dtype=torch.float64, device=device)

    def one(values: dict[str, Tensor], factor: Tensor) -> tuple[Tensor, ...]:
        return tuple(call(regularizer.bind(values), factor))

    together = torch.vmap(one, randomness="same")(stacked, factors)
    for place in range(4):
        alone = call(regularizer.bind({name: values[place] for name, values in members.items()}), factors[place])
        for found, expected in zip(together, alone, strict=True):
            require_close(
                found[place], expected, "stacked with other members it differs from alone", tolerance=tolerance
            )
