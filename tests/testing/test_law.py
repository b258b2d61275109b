"""How a law says that it is broken."""

import pytest
import torch

from bridle.regularizers.averaging import EMA
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import ElasticNet
from bridle.regularizers.stopping import EarlyStopping
from bridle.testing import BrokenLaw
from bridle.testing.law import Unchanged, off, require, require_close, require_same


def test_require():
    require(True, "no")
    with pytest.raises(BrokenLaw, match=r"^no$"):
        require(False, "no")


def test_same_means_in_every_respect():
    ones = torch.ones(2)
    require_same(ones, torch.ones(2), "a")
    with pytest.raises(BrokenLaw, match="a: the largest difference is 1"):
        require_same(ones, torch.zeros(2), "a")
    with pytest.raises(BrokenLaw, match=r"a: shape must be torch.Size\(\[3\]\); got torch.Size\(\[2\]\)"):
        require_same(ones, torch.ones(3), "a")
    with pytest.raises(BrokenLaw, match=r"a: dtype must be torch.float64; got torch.float32"):
        require_same(ones, ones.double(), "a")


def test_close_means_within_the_tolerance():
    require_close(torch.ones(2), torch.ones(2) + 1e-6, "a", tolerance=1e-5)
    require_close(torch.tensor(torch.nan), torch.tensor(torch.nan), "a")
    with pytest.raises(BrokenLaw, match="a: the largest difference is"):
        require_close(torch.ones(2), torch.ones(2) + 1e-4, "a", tolerance=1e-5)
    with pytest.raises(BrokenLaw, match="a: the shapes are"):
        require_close(torch.ones(2), torch.ones(3), "a")


def test_unchanged_sees_a_change_in_place():
    tensor = torch.ones(2)
    with Unchanged(tensor):
        tensor + 1
    with pytest.raises(BrokenLaw, match="an input was changed in place"), Unchanged(tensor):
        tensor.add_(1)
    with pytest.raises(ZeroDivisionError), Unchanged(tensor):
        tensor.add_(1 / 0)


def test_off_turns_off_what_begins_at_zero():
    assert off(ElasticNet(l1=1, l2=2)) == ElasticNet(l1=0, l2=0)
    assert off(ElasticNet(l1=1, l2=2), only=("l1",)) == ElasticNet(l1=0, l2=2)
    assert off(ElasticNet(l1=1, l2=2), without=("l1",)) == ElasticNet(l1=1, l2=0)
    assert off(EMA(0.9)) == EMA(0.0)
    assert off(EarlyStopping(3)) is None
    assert off(Dropout(k=1.0)) is None
    assert off(Dropout(0.5)) == Dropout(0.0)
