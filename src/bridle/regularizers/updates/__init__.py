"""Rules for the optimizer's step."""

from bridle.regularizers.updates.decoupled_decay import DecoupledDecay
from bridle.regularizers.updates.gradient_noise import GradientNoise
from bridle.regularizers.updates.max_norm import MaxNorm
from bridle.regularizers.updates.sam import SAM
from bridle.regularizers.updates.spectral_step import SpectralStep

__all__ = ["SAM", "DecoupledDecay", "GradientNoise", "MaxNorm", "SpectralStep"]
