"""The global generators, seeded and put back."""

import random

import numpy as np
import pytest
import torch

from bridle.core.generators import kept, seed_all


def drawn():
    return float(torch.rand(())), float(np.random.random()), random.random()  # noqa: NPY002


def failing():
    with kept():
        seed_all(3, 4)
        return 1 / 0


def test_the_same_words_give_the_same_numbers_and_others_others():
    with kept():
        found = []
        for words in ((1, 2), (1, 2), (1, 3), (2, 2)):
            seed_all(*words)
            found.append(drawn())
    assert found[0] == found[1]
    assert all(len({item[place] for item in found}) == 3 for place in range(3))


def test_they_are_put_back_after_an_error_too():
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    with pytest.raises(ZeroDivisionError):
        failing()
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]  # noqa: NPY002
    assert random.getstate() == before[2]
