"""How large a pack may be."""

import torch

from bridle.population import sizing
from bridle.population.sizing import largest_pack, trial_size

CPU = torch.device("cpu")


def test_a_pack_fits_into_the_cache_but_is_never_tiny():
    assert largest_pack(sizing.CACHE // 20, CPU, 1) == 20
    assert largest_pack(sizing.CACHE, CPU, 1) == sizing.SMALLEST


def test_memory_is_the_limit(monkeypatch):
    monkeypatch.setattr(sizing, "_free", lambda _: 10 * 2**30)
    assert largest_pack(2**30, CPU, 1) == 4
    assert largest_pack(2**30, CPU, 2) == 2
    assert largest_pack(2**40, CPU, 2) == 1


def test_free_memory_is_read_from_the_system():
    assert 2**20 < sizing._free(CPU) < 2**50


def test_the_pack_that_is_timed_is_small():
    assert [trial_size(size) for size in (1, 5, 8, 100)] == [2, 5, 8, 8]
