"""Other libraries' transforms as augmentations of a recipe, under Bridle's counters."""

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from bridle.errors import RecipeError
from bridle.integrations import needs
from bridle.regularizers.augment import Transform

__all__ = ["Transform", "kornia", "torchvision"]


def kornia(name: str, *, rate: float = 1.0, label: str = "", **settings: Any) -> Transform:
    """A transform of ``kornia.augmentation``, such as ``kornia("RandomAffine", degrees=15)``.

    Args:
        name: The class.
        rate: The probability that an image is handed to it, in [0, 1]; most have a probability ``p`` of their own.
        label: A name of yours; by default the class's.
        **settings: What the class is built with.

    Raises:
        MissingError: If the library cannot be imported.
        RecipeError: If it has no such class, or the class does not take the settings.
    """
    return _transform("kornia.augmentation", "bridle[kornia]", name, rate, label, settings)


def torchvision(name: str, *, rate: float = 1.0, label: str = "", **settings: Any) -> Transform:
    """A transform of ``torchvision.transforms.v2``; all else is as in :func:`kornia`."""
    return _transform("torchvision.transforms.v2", "torchvision", name, rate, label, settings)


def _transform(module: str, install: str, name: str, rate: float, label: str, settings: Mapping[str, Any]) -> Transform:
    with needs(f"{module.partition('.')[0]}({name!r})", install):
        found = import_module(module)
    if not isinstance(getattr(found, name, None), type):
        near = get_close_matches(name, vars(found), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise RecipeError(f"{module} has no class {name!r}.{hint}")
    transform = Transform(f"{module}:{name}", dict(settings), rate, label=label or name)
    _ = transform.view  # settings that the class does not take are refused here, not in the first batch
    return transform
