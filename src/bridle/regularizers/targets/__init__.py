"""Rules for the targets."""

from bridle.regularizers.targets.label_smoothing import LabelSmoothing

__all__ = ["LabelSmoothing"]
