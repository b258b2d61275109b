"""Rules that end a training."""

from bridle.regularizers.stopping.early_stopping import EarlyStopping

__all__ = ["EarlyStopping"]
