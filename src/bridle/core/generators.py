"""The global generators of torch, NumPy and Python: seeded for a callable that knows no others, and put back."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def kept() -> Iterator[None]:
    """Within it the generators may be seeded; afterwards they are as before."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - what users' callables draw from
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


def seed_all(high: int, low: int) -> None:
    """Seed them by two words of 24 bits."""
    word = (high << 24) | low
    random.seed(word)
    np.random.seed([high, low])  # noqa: NPY002
    torch.default_generator.manual_seed(word)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(word)
