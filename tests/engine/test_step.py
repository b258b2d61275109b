"""One member against plain PyTorch loops: the same batches, initial weights and masks, in float64."""

import copy

import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.optim import SGD, Adam, AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.optim.swa_utils import AveragedModel

from bridle.core import Draws, schedule
from bridle.regularizers.augment import FeatureNoise
from bridle.regularizers.averaging import EMA
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L2
from bridle.regularizers.targets import LabelSmoothing

EPOCHS, BATCH, RATE = 50, 24, 0.05
"""With 96 rows: 200 steps."""


def forward(net, x, mask=None):
    hidden = net[0](x.double()).tanh()
    return net[3](hidden if mask is None else hidden * mask)


def plain_loop(training, optimizer, *, rate=0.0, clip=0.0, smoothing=0.0, each_step=lambda _: None):
    """A loop as a user would write it, on the member's batches, from the member's initial weights."""
    net = copy.deepcopy(training.model.net)
    optimizer = optimizer(net)
    scheduler = CosineAnnealingLR(optimizer, EPOCHS * training.batches.per_epoch)
    step = 0
    for epoch in range(EPOCHS):
        for batch in training.batches.epoch(epoch):
            uniforms = Draws(0, 0, step).uniform("dropout:net.2:1", (len(batch.inputs), 6), batch.inputs)
            output = forward(net, batch.inputs, (uniforms >= rate).double() / (1 - rate) if rate else None)
            loss = cross_entropy(output, batch.targets.argmax(1), label_smoothing=smoothing)
            optimizer.zero_grad()
            loss.backward()
            if clip:
                torch.nn.utils.clip_grad_norm_(net.parameters(), clip)
            optimizer.step()
            scheduler.step()
            each_step(net)
            step += 1
    assert step == 200
    return net


def groups(net, strength):
    """Decay on the matrices only, in a user's own parameter groups."""
    matrices = [weight for weight in net.parameters() if weight.ndim > 1]
    others = [weight for weight in net.parameters() if weight.ndim < 2]
    return [{"params": matrices, "weight_decay": strength}, {"params": others, "weight_decay": 0.0}]


def sgd(strength=0.0, momentum=0.9):
    return lambda net: SGD(net.parameters(), RATE, momentum=momentum, weight_decay=strength)


CASES = {
    "sgd": ((), {"optimizer": "sgd", "momentum": 0.9}, sgd(), {}),
    "sgd without momentum": ((), {"optimizer": "sgd", "momentum": 0.0}, sgd(momentum=0.0), {}),
    "adam": ((), {"optimizer": "adam"}, lambda net: Adam(net.parameters(), RATE), {}),
    "adamw": (
        (),
        {"optimizer": "adamw", "weight_decay": 0.3},
        lambda net: AdamW(net.parameters(), RATE, weight_decay=0.3),
        {},
    ),
    "l2 with sgd": ((L2(0.1, scope="all"),), {"optimizer": "sgd"}, sgd(0.1), {}),
    "l2 with adam": (
        (L2(0.1, scope="all"),),
        {"optimizer": "adam"},
        lambda net: Adam(net.parameters(), RATE, weight_decay=0.1),
        {},
    ),
    "l2 on matrices": (
        (L2(0.1),),
        {"optimizer": "sgd"},
        lambda net: SGD(groups(net, 0.1), RATE, momentum=0.9),
        {},
    ),
    "clipping spares the penalty": (
        (L2(0.5, scope="all"),),
        {"optimizer": "sgd", "clip": 0.1},
        sgd(0.5),
        {"clip": 0.1},
    ),
    "dropout": ((Dropout(0.4),), {"optimizer": "sgd"}, sgd(), {"rate": 0.4}),
}


@pytest.mark.parametrize("case", CASES)
def test_200_steps_equal_a_plain_loop(case, table, wide, begin, run):
    regularizers, settings, optimizer, options = CASES[case]
    training = begin(table(), wide, *regularizers, epochs=EPOCHS, batch_size=BATCH, learning_rate=RATE, **settings)
    net = plain_loop(training, optimizer, **options)
    run(training)
    for ours, plain in zip(training.model.parameters(), net.parameters(), strict=True):
        assert ours.dtype == torch.float64
        torch.testing.assert_close(ours, plain, rtol=0, atol=1e-9)


def test_label_smoothing_equals_torchs(table, wide, begin, run):
    """The targets are float32, so that 0.1 is rounded there: hence 1e-6."""
    training = begin(
        table(), wide, LabelSmoothing(0.1), epochs=EPOCHS, batch_size=BATCH, optimizer="sgd", learning_rate=RATE
    )
    net = plain_loop(training, sgd(), smoothing=0.1)
    run(training)
    for ours, plain in zip(training.model.parameters(), net.parameters(), strict=True):
        torch.testing.assert_close(ours, plain, rtol=0, atol=1e-6)


def test_ema_equals_swa_utils(table, wide, begin, run):
    training = begin(table(), wide, EMA(0.95), epochs=EPOCHS, batch_size=BATCH, optimizer="sgd", learning_rate=RATE)

    def average(old, new, count):
        decay = min(0.95, (1 + count) / (10 + count))
        return decay * old + (1 - decay) * new

    averaged = AveragedModel(training.model.net, avg_fn=average)
    averaged.update_parameters(training.model.net)  # the first update copies
    plain_loop(training, sgd(), each_step=averaged.update_parameters)
    kept = run(training)
    for name, value in averaged.module.named_parameters():
        torch.testing.assert_close(kept[f"net.{name}"], value.detach(), rtol=0, atol=1e-6)
        live = training.model.state_dict()[f"net.{name}"]
        assert (kept[f"net.{name}"] - live).abs().max() > 1e-4


def test_scheduled_dials_move_in_every_kind(table, wide, begin, run, assert_same):
    """A schedule that stands still is the constant; one that moves is something else."""
    settings = {"epochs": 3, "batch_size": 24}
    constant = (FeatureNoise(0.2), Dropout(0.3), LabelSmoothing(0.1), L2(0.1), EMA(0.9))
    still = (
        FeatureNoise(schedule(0.2, 0.2)),
        Dropout(schedule(0.3, 0.3)),
        LabelSmoothing(schedule(0.1, 0.1)),
        L2(schedule(0.1, 0.1)),
        EMA(schedule(0.9, 0.9)),
    )
    expected = run(begin(table(), wide, *constant, **settings))
    assert_same(run(begin(table(), wide, *still, **settings)), expected)
    ends = {"strength": 0.5, "rate": 0.6, "decay": 0.1}
    for place, item in enumerate(constant):
        name = next(name for name in ends if getattr(item, name, None) is not None)
        moved = type(item)(**{name: schedule(getattr(item, name), ends[name])})
        found = run(begin(table(), wide, *constant[:place], moved, *constant[place + 1 :], **settings))
        assert any(not torch.equal(found[key], expected[key]) for key in found), item
