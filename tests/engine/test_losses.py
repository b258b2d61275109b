"""Data losses, against torch's."""

import pytest
import torch
from torch.nn.functional import cross_entropy as torch_cross_entropy
from torch.nn.functional import mse_loss

from bridle.engine.losses import cross_entropy, default_loss, squared_error, user_loss, weighted_mean
from bridle.errors import ModelError
from bridle.records import Task

LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]], dtype=torch.float64)
ROWS = torch.tensor([[0.7, 0.2, 0.1], [0.0, 1.0, 0.0]], dtype=torch.float64)


def test_cross_entropy_is_torchs():
    torch.testing.assert_close(cross_entropy(LOGITS, ROWS), torch_cross_entropy(LOGITS, ROWS, reduction="none"))


def test_squared_error_is_torchs_without_a_half():
    output, target = LOGITS[:, :1], ROWS[:, :1]
    expected = mse_loss(output, target, reduction="none")[:, 0]
    torch.testing.assert_close(squared_error(output, target), expected)


@pytest.mark.parametrize("loss", [cross_entropy, squared_error])
@pytest.mark.parametrize(("given", "computed"), [(torch.bfloat16, torch.float32), (torch.float64, torch.float64)])
def test_computed_in_at_least_float32(loss, given, computed):
    assert loss(LOGITS.to(given), ROWS.float()).dtype == computed


def test_the_default_follows_the_task():
    assert default_loss(Task.CLASSIFICATION) is cross_entropy
    assert default_loss(Task.REGRESSION) is squared_error


def test_weighted_mean():
    losses, weights = torch.tensor([1.0, 2.0, 4.0]), torch.tensor([1.5, 0.75, 0.75])
    torch.testing.assert_close(weighted_mean(losses, weights), torch.tensor((2 * 1.0 + 2.0 + 4.0) / 4))


def test_a_users_loss_gets_class_numbers_or_rows_of_probabilities():
    seen = []

    def loss(output, target):
        seen.append((output, target))
        return output.sum(1)

    user_loss(loss, Task.CLASSIFICATION, hard=True)(LOGITS.bfloat16(), ROWS)
    user_loss(loss, Task.CLASSIFICATION, hard=False)(LOGITS, ROWS)
    assert seen[0][0].dtype == torch.float32
    assert seen[0][1].tolist() == [0, 1]
    assert torch.equal(seen[1][1], ROWS)


def test_a_users_loss_of_a_regression_gets_plain_numbers():
    loss = user_loss(lambda output, target: (output - target).abs(), Task.REGRESSION, hard=True)
    torch.testing.assert_close(loss(LOGITS[:, :1], ROWS[:, :1]), (LOGITS[:, 0] - ROWS[:, 0]).abs())


@pytest.mark.parametrize(
    ("wrong", "got"), [(lambda output: output.mean(), r"\(\)"), (lambda output: output, r"\(2, 3\)"), (len, "int")]
)
def test_a_users_loss_of_another_shape_is_refused(wrong, got):
    loss = user_loss(lambda output, _: wrong(output), Task.CLASSIFICATION, hard=True)
    message = rf"The loss must give one value per example, shape \(2,\); got {got}\. With torch's losses write"
    with pytest.raises(ModelError, match=message):
        loss(LOGITS, ROWS)
