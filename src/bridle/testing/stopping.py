"""Laws of rules that end a training."""

import math
from collections.abc import Iterable, Iterator

import torch

from bridle.core import State, StopRule
from bridle.testing.law import Unchanged, require

_LONG = 500


def _course(rule: StopRule, losses: Iterable[float], device: torch.device) -> Iterator[State]:
    state = rule.start()
    for loss in losses:
        with Unchanged(*state.values()):
            following = rule.update(state, torch.tensor(loss, device=device))
        state = following
        yield state


def state_is_scalars(rule: StopRule, device: torch.device) -> None:
    """State is a dict of scalar tensors with fixed names and types; nothing stops before the first epoch."""
    start = rule.start()
    require(rule.should_stop(start) is False, "it stops before the first epoch, or does not answer with a bool")
    for state in _course(rule, [1.0, 2.0, math.nan], device):
        require(set(state) == set(start), f"state must keep its names {set(start)}; got {set(state)}")
        for name, value in state.items():
            require(
                value.ndim == 0 and value.dtype == start[name].dtype, f"state {name!r} must stay a scalar of its type"
            )


def improvement_never_stops(rule: StopRule, device: torch.device) -> None:
    """While every epoch is better than all before, it goes on and calls each the best."""
    for state in _course(rule, (1000.0 * 0.95**epoch for epoch in range(300)), device):
        require(rule.should_stop(state) is False, "it stops at an epoch that is better than all before")
        require(rule.is_best(state) is True, "it does not call an epoch the best that is better than all before")


def worse_is_never_best(rule: StopRule, device: torch.device) -> None:
    """An epoch that is worse than one before is not called the best; the best one is, whenever it comes."""
    losses = [3.0, 2.0, 4.0, 2.5, 1.0, 1.5]
    found = [rule.is_best(state) for state in _course(rule, losses, device)]
    require(found == [True, True, False, False, True, False], f"of the losses {losses} it calls the best {found}")


def nan_is_no_improvement(rule: StopRule, device: torch.device) -> None:
    """A NaN is never the best, does not hide a later improvement, and a training of NaNs ends."""
    for before in ([], [1.0]):
        states = list(_course(rule, [*before, *[math.nan] * _LONG], device))[len(before) :]
        require(not any(rule.is_best(state) for state in states), "it calls an epoch with NaN the best")
        require(rule.should_stop(states[-1]), f"it goes on after {_LONG} epochs of NaN")
    after = list(_course(rule, [math.nan, 2.0, math.nan, 1.0], device))
    found = [rule.is_best(state) for state in after]
    require(found == [False, True, False, True], f"of the losses NaN, 2, NaN, 1 it calls the best {found}")


def no_improvement_stops(rule: StopRule, device: torch.device) -> None:
    """A loss that never falls again ends the training."""
    states = list(_course(rule, [1.0] * _LONG, device))
    require(rule.should_stop(states[-1]), f"it goes on after {_LONG} epochs without improvement")


LAWS = (state_is_scalars, improvement_never_stops, worse_is_never_best, nan_is_no_improvement, no_improvement_stops)
