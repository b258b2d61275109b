"""What one member carries, part by part; and the same as the checkpoint that a training by itself would write."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from bridle.core import Averaging
from bridle.engine.course import by_part
from bridle.engine.packs.kind import Kind
from bridle.engine.packs.slot import Slot
from bridle.population.optimize import MOMENTS
from bridle.population.stack import Tensors
from bridle.regularizers.averaging import EMA


def fresh(kind: Kind, slot: Slot, averages: int) -> dict[str, Tensors]:
    """Before the first step.

    Args:
        kind: What the members have in common.
        slot: The member.
        averages: How many averages every member of the pack has room for.
    """
    parts = dict(kind.start(slot.course))
    weights = parts["weights"]
    for moment in MOMENTS[kind.optimizer]:
        parts[moment] = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    live, rules = weights | parts["frozen"], slot.recipe.of(Averaging)
    for place in range(averages):
        # A member without an average has room for one, which nothing uses, where others beside it have.
        rule = rules[place] if place < len(rules) else EMA(0.0)
        parts[f"average{place}"] = rule.start(live)
    return parts


def to_checkpoint(kind: Kind, slot: Slot, parts: Mapping[str, Tensors]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The state as :meth:`~bridle.engine.member.MemberTraining.state` gives it."""
    steps = torch.tensor(float(slot.steps))
    optimizer: Tensors = {}
    momentum = kind.optimizer == "adam" or slot.recipe.training.momentum > 0
    for number, name in enumerate(kind.trained):
        if momentum:
            optimizer |= {f"{number}.{moment}": parts[moment][name] for moment in MOMENTS[kind.optimizer]}
        if kind.optimizer == "adam":
            optimizer[f"{number}.step"] = steps
    found = {"model": kind.state_dict(parts), "optimizer": optimizer, "best": slot.best or {}}
    found |= {f"average{place}": parts[f"average{place}"] for place in range(len(slot.recipe.of(Averaging)))}
    found |= slot.course.tensors()
    tensors = {f"{part}/{name}": value for part, values in found.items() for name, value in values.items()}
    return tensors, slot.course.plain()


def from_checkpoint(
    kind: Kind, slot: Slot, averages: int, tensors: dict[str, Tensor], plain: dict[str, Any]
) -> dict[str, Tensors]:
    """Go on from what a checkpoint holds, whether it was written by a pack or by a training by itself."""
    found, parts = by_part(tensors), fresh(kind, slot, averages)
    model, own = found["model"], found["optimizer"]
    for part in ("weights", "frozen", "buffers"):
        parts[part] = {name: model[name].to(value) if name in model else value for name, value in parts[part].items()}
    for moment in MOMENTS[kind.optimizer]:
        for number, name in enumerate(kind.trained):
            if f"{number}.{moment}" in own:
                parts[moment][name] = own[f"{number}.{moment}"].to(parts["weights"][name])
    for place in range(len(slot.recipe.of(Averaging))):
        known = parts[f"average{place}"]
        parts[f"average{place}"] = {name: found[f"average{place}"][name].to(value) for name, value in known.items()}
    slot.best = found.get("best") or None
    slot.course.restore(found, plain)
    return parts
