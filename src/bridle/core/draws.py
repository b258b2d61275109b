"""Randomness as an argument: draws keyed by what they are for, never by when or in what company they are made.

Two families. :meth:`Draws.uniform` fills a tensor for one place at one step, from a generator seeded by the key: fast
for large masks. :meth:`Draws.per_example` gives each example its own few numbers by hashing (seed, fold, name, time,
example, column): the same example in the same epoch gets the same numbers in any batch, any order and any number of
workers.

The hash is that of splitmix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators"): for names
and seeds chained over the words of the key, for examples once over a counter that gives example, time and column a
large odd stride each.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import final

import torch
from torch import Tensor

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_MIX1 = 0xBF58476D1CE4E5B9
_MIX2 = 0x94D049BB133111EB
_EXAMPLE = 0xD1342543DE82EF95
_TIME = 0xDA942042E4DD58B5


def _signed(word: int) -> int:
    """A 64-bit word as the signed integer that torch's int64 holds."""
    word &= _MASK
    return word - (1 << 64) if word >> 63 else word


def _mix_word(word: int) -> int:
    word = (word + _GOLDEN) & _MASK
    word = ((word ^ (word >> 30)) * _MIX1) & _MASK
    word = ((word ^ (word >> 27)) * _MIX2) & _MASK
    return word ^ (word >> 31)


def _shift(words: Tensor, bits: int) -> Tensor:
    """A logical right shift (torch shifts int64 arithmetically)."""
    return (words >> bits) & ((1 << (64 - bits)) - 1)


def _uniform(words: Tensor) -> Tensor:
    """Each word's hash as a number in [0, 1): its 24 highest bits, which the hash's last shift leaves as they are."""
    words = (words ^ _shift(words, 30)) * _signed(_MIX1)
    words = (words ^ _shift(words, 27)) * _signed(_MIX2)
    return _shift(words, 40).to(torch.float32) * 2.0**-24


@lru_cache(maxsize=4096)
def _named(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")


def key(*parts: int | str) -> int:
    """A 64-bit key from whole numbers and names: the same on every machine and in every run."""
    state = 0
    for part in parts:
        word = _named(part) if isinstance(part, str) else part
        state = _mix_word(state ^ _mix_word(int(word) & _MASK))
    return state


def generator(*parts: int | str, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator seeded by :func:`key` of the parts."""
    return torch.Generator(device).manual_seed(key(*parts) >> 1)


@contextmanager
def seeded(*parts: int | str) -> Iterator[None]:
    """The global generators of torch seeded by :func:`key` of the parts, and put back afterwards.

    For a user's own modules only, whose randomness is global.
    """
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    word = key(*parts) >> 1
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(word)
        if devices:
            torch.cuda.manual_seed_all(word)
        yield


@final
@dataclass(frozen=True)
class Draws:
    """All randomness of one member at one step.

    Args:
        seed: The member's seed.
        fold: The number of the member's fold.
        step: The optimizer step, counted from 0.
    """

    seed: int
    fold: int
    step: int

    def generator(self, name: str, device: torch.device | str = "cpu") -> torch.Generator:
        """A generator for the thing called ``name`` at this step."""
        return generator(self.seed, self.fold, self.step, name, device=device)

    def uniform(self, name: str, shape: Sequence[int], like: Tensor) -> Tensor:
        """Uniform numbers in [0, 1) of ``shape``, for the thing called ``name`` at this step.

        Args:
            name: What they are for: two names never share draws.
            shape: The shape to fill.
            like: A tensor whose device is taken. The numbers are float32 whatever its dtype.
        """
        source = self.generator(name, like.device)
        return torch.empty(tuple(shape), device=like.device).uniform_(generator=source)

    def per_example(self, name: str, examples: Tensor, times: Tensor, columns: int) -> Tensor:
        """Uniform numbers in [0, 1) that belong to each example at each time.

        Args:
            name: What they are for.
            examples: ``(B,)`` int64, the examples' row numbers in the data set.
            times: ``(B,)`` int64, the epoch, or the number of the copy where the training set is expanded.
            columns: How many numbers each example gets.

        Returns:
            ``(B, columns)`` float32.
        """
        base = _signed(key(self.seed, self.fold, name))
        rows = torch.add(examples * _signed(_EXAMPLE), times, alpha=_signed(_TIME)) + base
        counter = torch.arange(columns, device=examples.device) * _signed(_GOLDEN)
        return _uniform(rows[:, None] + counter)
