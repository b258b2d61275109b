"""The same forward pass twice: the same global draws, and statistics as one pass leaves them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import final

import torch
from torch import nn


@final
class Again:
    """Remembers the state of torch's generators, for a forward pass that is to be repeated.

    Args:
        model: The model.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._generator = torch.get_rng_state()
        self._devices = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Within it a user's own modules draw as they did first; afterwards the buffers are as before it.

        The buffers are those of the model: running statistics of batch normalisation, and whatever else counts passes.
        """
        buffers = [(buffer, buffer.clone()) for buffer in self._model.buffers()]
        torch.set_rng_state(self._generator)
        if self._devices:
            torch.cuda.set_rng_state_all(self._devices)
        try:
            yield
        finally:
            with torch.no_grad():
                for buffer, value in buffers:
                    buffer.copy_(value)
