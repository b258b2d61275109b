"""All laws by kind, and how a regularizer is checked against those that apply to it."""

import torch

from bridle.core import (
    Augmentation,
    Averaging,
    LossTerm,
    Noise,
    Penalty,
    Proximal,
    Regularizer,
    StopRule,
    TargetRule,
    UpdateRule,
)
from bridle.testing import augmentations, averaging, every, noise, penalties, stopping, targets, terms, updates
from bridle.testing.instances import instances
from bridle.testing.law import BrokenLaw, Law, require

LAWS: dict[type[Regularizer], tuple[Law, ...]] = {
    Regularizer: every.LAWS,
    Augmentation: augmentations.LAWS,
    Noise: noise.LAWS,
    TargetRule: targets.LAWS,
    LossTerm: terms.LAWS,
    Penalty: penalties.LAWS,
    Proximal: penalties.PROXIMAL,
    UpdateRule: updates.LAWS,
    Averaging: averaging.LAWS,
    StopRule: stopping.LAWS,
}


def laws_of(cls: type[Regularizer]) -> tuple[Law, ...]:
    """The laws that apply to a class of regularizers."""
    return tuple(law for kind, laws in LAWS.items() if issubclass(cls, kind) for law in laws)


def check_law(law: Law, regularizer: Regularizer, device: torch.device | str = "cpu") -> None:
    """Check one law.

    Raises:
        BrokenLaw: If it is broken, or fails with an error, or draws from torch's global generator.
    """
    name = law.__name__.replace("_", " ")
    before = torch.get_rng_state()
    try:
        law(regularizer, torch.device(device))
        require(torch.equal(before, torch.get_rng_state()), "it draws from torch's global generator")
    except BrokenLaw as broken:
        raise BrokenLaw(f"{regularizer!r} breaks the law '{name}': {broken}") from broken
    except Exception as error:
        raise BrokenLaw(f"{regularizer!r} breaks the law '{name}': {type(error).__name__}: {error}") from error


def check_regularizer(regularizer: Regularizer | type[Regularizer], device: torch.device | str = "cpu") -> None:
    """Check a regularizer against every law of its kind.

    Args:
        regularizer: An instance, or a class: then instances are derived from its dials' search ranges.
        device: Where the tensors lie.

    Raises:
        BrokenLaw: With every law that is broken.
    """
    chosen = instances(regularizer) if isinstance(regularizer, type) else [regularizer]
    broken: list[str] = []
    for instance in chosen:
        for law in laws_of(type(instance)):
            try:
                check_law(law, instance, device)
            except BrokenLaw as error:
                broken.append(str(error))
    if broken:
        raise BrokenLaw("\n".join(broken))
