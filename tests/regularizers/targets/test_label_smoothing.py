"""Label smoothing against torch's cross-entropy."""

import pytest
import torch

from bridle.errors import DialError
from bridle.regularizers.targets import LabelSmoothing


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.6])
def test_the_loss_is_that_of_torchs_label_smoothing(rate):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(20, 7, generator=generator, dtype=torch.float64)
    classes = torch.randint(7, (20,), generator=generator)
    targets = LabelSmoothing(rate).apply(torch.nn.functional.one_hot(classes, 7).double())
    found = torch.nn.functional.cross_entropy(logits, targets)
    expected = torch.nn.CrossEntropyLoss(label_smoothing=rate)(logits, classes)
    torch.testing.assert_close(found, expected)


def test_rows_of_one_class():
    expected = torch.tensor([[0.9 + 0.1 / 4, 0.025, 0.025, 0.025]])
    torch.testing.assert_close(LabelSmoothing(0.1).apply(torch.eye(4)[:1]), expected)


def test_everything_may_not_be_smoothed_away():
    with pytest.raises(DialError, match=r"LabelSmoothing.rate must lie in \[0, 1\); got 1"):
        LabelSmoothing(1.0)
