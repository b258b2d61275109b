"""Stacking is checked against each member alone."""

import pytest
import torch

from bridle.regularizers.penalties import L2
from bridle.testing import BrokenLaw
from bridle.testing.members import check_stacked

CPU = torch.device("cpu")


def test_each_member_has_dials_and_factor_of_its_own():
    seen = []

    def call(item, factor):
        if isinstance(item.strength, float | int):
            seen.append((item.strength, float(factor)))
        return [item.strength * factor]

    check_stacked(call, L2(1e-4), CPU)
    assert seen == [(1e-6, 1.0), (pytest.approx(1e-4), 0.9), (1e-2, 0.8), (0, 0.7)]


def test_what_mixes_members_is_rejected():
    alone = []

    def call(item, factor):
        alone.append(item)
        return [item.strength * factor + (len(alone) > 1)]

    with pytest.raises(
        BrokenLaw, match="stacked with other members it differs from alone: the largest difference is 1"
    ):
        check_stacked(call, L2(1e-4), CPU)


def test_what_branches_cannot_be_stacked():
    with pytest.raises(RuntimeError, match="data-dependent"):
        check_stacked(lambda item, factor: [factor if item.strength else factor * 0], L2(1e-4), CPU)
