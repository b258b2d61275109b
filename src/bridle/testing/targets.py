"""Laws of rules for the targets."""

import torch
from torch import Tensor

from bridle.core import TargetRule
from bridle.testing import material
from bridle.testing.law import Unchanged, off, require, require_alike, require_close, require_same
from bridle.testing.members import check_stacked


def _targets(device: torch.device, dtype: torch.dtype = torch.float64) -> Tensor:
    """Hard and soft rows."""
    soft = material.normal("targets", 6, 4, device=device, dtype=dtype).softmax(dim=1)
    return torch.cat([torch.eye(4, dtype=dtype, device=device), soft])


def targets_stay_distributions(rule: TargetRule, device: torch.device) -> None:
    """The rows are not negative and sum to 1, in the type they had; the given targets stay as they are."""
    for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-6)):
        targets = _targets(device, dtype)
        with Unchanged(targets):
            found = rule.apply(targets)
        require_alike(found, targets, "the new targets must be like the old")
        require(bool((found >= 0).all()), "a target is negative")
        require_close(found.sum(1), torch.ones_like(found[:, 0]), "the rows must sum to 1", tolerance=tolerance)


def target_rule_does_something(rule: TargetRule, device: torch.device) -> None:
    """The rule changes some target, unless its dials are zero; then it changes none."""
    targets = _targets(device)
    nothing = off(rule)
    if nothing is not None:
        require_same(nothing.apply(targets), targets, "a rule of size zero must be the identity")
    if nothing != rule:
        require(not torch.equal(rule.apply(targets), targets), "the rule changes nothing")


def target_rule_stacks(rule: TargetRule, device: torch.device) -> None:
    """The targets of members with unlike dials, stacked, are those of each alone."""
    targets = _targets(device)
    check_stacked(lambda item, _: [item.apply(targets)], rule, device)


LAWS = (targets_stay_distributions, target_rule_does_something, target_rule_stacks)
