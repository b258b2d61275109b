"""Augmentations of the batch."""

from bridle.regularizers.augment.brightness import Brightness
from bridle.regularizers.augment.colour import Colour
from bridle.regularizers.augment.contrast import Contrast
from bridle.regularizers.augment.crop import Crop
from bridle.regularizers.augment.erasing import Erasing
from bridle.regularizers.augment.feature_noise import FeatureNoise
from bridle.regularizers.augment.horizontal_flip import HorizontalFlip
from bridle.regularizers.augment.mixup import Mixup
from bridle.regularizers.augment.resized_crop import ResizedCrop
from bridle.regularizers.augment.rotation import Rotation
from bridle.regularizers.augment.scale import Scale
from bridle.regularizers.augment.shear import Shear
from bridle.regularizers.augment.shift import Shift
from bridle.regularizers.augment.transform import Transform
from bridle.regularizers.augment.vertical_flip import VerticalFlip

__all__ = [
    "Brightness",
    "Colour",
    "Contrast",
    "Crop",
    "Erasing",
    "FeatureNoise",
    "HorizontalFlip",
    "Mixup",
    "ResizedCrop",
    "Rotation",
    "Scale",
    "Shear",
    "Shift",
    "Transform",
    "VerticalFlip",
]
