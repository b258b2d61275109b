"""Draws: uniform, independent across every part of their key, and the same in any batch and order."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy import stats

from bridle.core import Draws
from bridle.core.draws import generator, key

ROWS = 20_000
DRAWS = Draws(seed=3, fold=1, step=0)


def numbers(draws: Draws = DRAWS, name: str = "rotation", examples=None, time: int = 0, columns: int = 1):
    examples = torch.arange(ROWS) if examples is None else examples
    return draws.per_example(name, examples, torch.full_like(examples, time), columns)


STREAMS = {
    "examples": lambda: numbers()[:, 0],
    "columns": lambda: numbers(examples=torch.arange(1), columns=ROWS)[0],
    "times": lambda: DRAWS.per_example("a", torch.full((ROWS,), 7), torch.arange(ROWS), 1)[:, 0],
    "seeds": lambda: torch.cat([numbers(Draws(seed, 0, 0), examples=torch.arange(10)) for seed in range(2000)])[:, 0],
    "names": lambda: torch.cat([numbers(name=f"n{i}", examples=torch.arange(10)) for i in range(2000)])[:, 0],
    "sparse examples": lambda: numbers(examples=torch.arange(ROWS) * 1024)[:, 0],
    "place": lambda: DRAWS.uniform("place", (ROWS,), torch.empty(0)),
    "places at steps": lambda: torch.cat(
        [Draws(0, 0, step).uniform("place", (10,), torch.empty(0)) for step in range(2000)]
    ),
}


@pytest.mark.parametrize("stream", STREAMS)
def test_numbers_are_uniform(stream):
    drawn = STREAMS[stream]()
    assert drawn.dtype == torch.float32
    assert bool(((drawn >= 0) & (drawn < 1)).all())
    counts = np.bincount((drawn.double() * 256).long().numpy(), minlength=256)
    assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("stream", STREAMS)
def test_low_bits_are_uniform(stream):
    counts = np.bincount(((STREAMS[stream]().double() * 2**24).long() % 64).numpy(), minlength=64)
    if "place" not in stream:  # torch's own generator fills 24 bits in its own way
        assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("lag", [1, 2, 10, 64])
def test_successive_numbers_are_independent(stream, lag):
    drawn = STREAMS[stream]().numpy()
    pairs, _, _ = np.histogram2d(drawn[:-lag], drawn[lag:], bins=16)
    # Overlapping pairs are no perfect chi-square sample; a lattice fails this by many orders of magnitude.
    assert stats.chisquare(pairs.ravel()).pvalue > 1e-6
    assert abs(np.corrcoef(drawn[:-lag], drawn[lag:])[0, 1]) < 5 / len(drawn) ** 0.5


@pytest.mark.parametrize(
    "other",
    [
        lambda: numbers(dataclasses.replace(DRAWS, seed=4)),
        lambda: numbers(dataclasses.replace(DRAWS, fold=0)),
        lambda: numbers(name="shift"),
        lambda: numbers(time=1),
        lambda: numbers(examples=torch.arange(1, ROWS + 1)),
        lambda: numbers(columns=2)[:, 1:],
    ],
    ids=["seed", "fold", "name", "time", "example", "column"],
)
def test_every_part_of_the_key_gives_independent_numbers(other):
    first, second = numbers().numpy()[:, 0], other().numpy()[:, 0]
    assert (first != second).mean() > 0.99
    pairs, _, _ = np.histogram2d(first, second, bins=16)
    assert stats.chisquare(pairs.ravel()).pvalue > 1e-3
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / ROWS**0.5


def test_the_step_is_no_part_of_an_examples_key():
    assert torch.equal(numbers(), numbers(dataclasses.replace(DRAWS, step=99)))


def test_an_examples_numbers_do_not_depend_on_batch_or_order():
    everything = numbers(columns=3)
    order = torch.randperm(ROWS, generator=torch.Generator().manual_seed(0))
    assert torch.equal(numbers(examples=order, columns=3), everything[order])
    for batch in order.split(777):
        assert torch.equal(numbers(examples=batch, columns=3), everything[batch])


def test_more_columns_leave_the_first_as_they_are():
    assert torch.equal(numbers(columns=5)[:, :2], numbers(columns=2))


def test_no_two_examples_and_times_share_their_numbers():
    examples, times = torch.meshgrid(torch.arange(1000), torch.arange(100), indexing="ij")
    drawn = DRAWS.per_example("a", examples.flatten(), times.flatten(), 2).double()
    words = (drawn[:, 0] * 2**24).long() * 2**24 + (drawn[:, 1] * 2**24).long()
    assert len(words.unique()) == words.numel()


@pytest.mark.parametrize("change", [{"seed": 4}, {"fold": 0}, {"step": 1}])
def test_places_have_numbers_of_their_own_in_each_step(change):
    like = torch.empty(0)
    first = DRAWS.uniform("place", (4, 5), like)
    assert first.shape == (4, 5)
    assert torch.equal(first, DRAWS.uniform("place", (4, 5), like))
    assert not torch.equal(first, dataclasses.replace(DRAWS, **change).uniform("place", (4, 5), like))
    assert not torch.equal(first, DRAWS.uniform("other", (4, 5), like))


def test_numbers_are_float32_whatever_they_are_for():
    assert DRAWS.uniform("place", (2,), torch.empty(0, dtype=torch.bfloat16)).dtype == torch.float32


def test_keys_are_pinned():
    """The same on every machine and in every release: a change here changes every result."""
    assert key(0, 1, "place") == 9574301445100791284
    assert key("place", 0, 1) != key(0, "place", 1)
    assert key(-1) != key(1)
    assert 0 <= key(-(2**40)) < 2**64


def splitmix(state: int) -> int:
    """The output function of splitmix64 in Python's whole numbers, as its authors publish it."""
    word = 2**64
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) % word
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) % word
    return state ^ (state >> 31)


def test_the_hash_is_splitmix():
    assert splitmix(1234567 + 0x9E3779B97F4A7C15) == 6457827717110365317  # the generator's published first output
    base = key(DRAWS.seed, DRAWS.fold, "rotation")
    for example, time, column in [(0, 0, 0), (5, 0, 1), (10**9, 77, 2), (3, 10**6, 0)]:
        counter = base + example * 0xD1342543DE82EF95 + time * 0xDA942042E4DD58B5 + column * 0x9E3779B97F4A7C15
        found = DRAWS.per_example("rotation", torch.tensor([example]), torch.tensor([time]), 3)[0, column]
        assert float(found) == (splitmix(counter % 2**64) >> 40) / 2**24


def test_generators_are_keyed():
    first, second = (torch.rand(3, generator=generator(1, "a")) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, torch.rand(3, generator=generator(1, "b")))


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    numbers()
    DRAWS.uniform("place", (3,), torch.empty(0))
    assert torch.equal(before, torch.get_rng_state())
