"""What the penalties share."""

from torch import Tensor


def soft(weight: Tensor, threshold: Tensor | float) -> Tensor:
    """Soft thresholding, ``sign(w) * max(|w| - t, 0)``, written with fewer passes over the weight."""
    return weight - weight.clamp(-threshold, threshold)  # type: ignore[arg-type]  # clamp takes either
