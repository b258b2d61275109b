"""Augmentations of the batch."""

from bridle.regularizers.augment.feature_noise import FeatureNoise
from bridle.regularizers.augment.horizontal_flip import HorizontalFlip
from bridle.regularizers.augment.mixup import Mixup
from bridle.regularizers.augment.rotation import Rotation
from bridle.regularizers.augment.shift import Shift
from bridle.regularizers.augment.vertical_flip import VerticalFlip

__all__ = ["FeatureNoise", "HorizontalFlip", "Mixup", "Rotation", "Shift", "VerticalFlip"]
