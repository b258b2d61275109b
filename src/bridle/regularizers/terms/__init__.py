"""Terms of the training loss."""

from bridle.regularizers.terms.activation_l1 import ActivationL1
from bridle.regularizers.terms.activation_l2 import ActivationL2
from bridle.regularizers.terms.confidence_penalty import ConfidencePenalty
from bridle.regularizers.terms.input_gradient import InputGradient
from bridle.regularizers.terms.kl_sparsity import KLSparsity

__all__ = ["ActivationL1", "ActivationL2", "ConfidencePenalty", "InputGradient", "KLSparsity"]
