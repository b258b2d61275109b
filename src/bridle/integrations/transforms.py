"""Other libraries' transforms as augmentations of a recipe, under Bridle's counters."""

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from bridle.errors import RecipeError
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
        RecipeError: If kornia cannot be imported, has no such class, or does not take the settings.
    """
    return _transform("kornia.augmentation", name, rate, label, settings)


def torchvision(name: str, *, rate: float = 1.0, label: str = "", **settings: Any) -> Transform:
    """A transform of ``torchvision.transforms.v2``, such as ``torchvision("RandomAffine", degrees=15)``.

    Args:
        name: The class.
        rate: The probability that an image is handed to it, in [0, 1]; many have a probability ``p`` of their own.
        label: A name of yours; by default the class's.
        **settings: What the class is built with.

    Raises:
        RecipeError: If torchvision cannot be imported, has no such class, or does not take the settings.
    """
    return _transform("torchvision.transforms.v2", name, rate, label, settings)


def _transform(module: str, name: str, rate: float, label: str, settings: Mapping[str, Any]) -> Transform:
    try:
        found = import_module(module)
    except Exception as error:  # a build for another torch fails in many ways
        library = module.partition(".")[0]
        raise RecipeError(
            f"{library}({name!r}) needs {library}, which cannot be imported: {type(error).__name__}: {error}. Install "
            "the build that was made for this torch."
        ) from error
    if not isinstance(getattr(found, name, None), type):
        near = get_close_matches(name, vars(found), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise RecipeError(f"{module} has no class {name!r}.{hint}")
    transform = Transform(f"{module}:{name}", dict(settings), rate, label=label or name)
    _ = transform.view  # settings that the class does not take are refused here, not in the first batch
    return transform
