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
from bridle.regularizers.terms import ActivationL1, ActivationL2, ConfidencePenalty, InputGradient, KLSparsity
from bridle.regularizers.updates import SAM, DecoupledDecay, GradientNoise, MaxNorm, SpectralStep

EPOCHS, BATCH, RATE = 50, 24, 0.05
"""With 96 rows: 200 steps."""


def forward(net, x, mask=None):
    hidden = net[0](x.double()).tanh()
    return net[3](hidden if mask is None else hidden * mask)


def plain_loop(training, optimizer, *, rate=0.0, clip=0.0, smoothing=0.0, term=None, each_step=lambda _: None):
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
            if term is not None:
                loss = loss + term(net, batch.inputs, output)
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


def activation_terms(net, x, output):
    """``0.1 * sum |a| + 0.2 * 1/2 sum a^2`` of the place, and the squares of the head."""
    hidden = net[0](x.double()).tanh()
    return (0.1 * hidden.abs() + 0.1 * hidden.square()).sum(1).mean() + 0.05 * output.square().sum(1).mean()


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
    "loss terms": (
        (ActivationL1(0.1), ActivationL2(0.2), ActivationL2(0.1, label="head", scope={"names": "net.3"})),
        {"optimizer": "sgd"},
        sgd(),
        {"term": activation_terms},
    ),
    "decoupled decay": (
        (DecoupledDecay(0.3, scope="all"),),
        {"optimizer": "adamw", "weight_decay": 0.0},
        lambda net: AdamW(net.parameters(), RATE, weight_decay=0.3),
        {},
    ),
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


def test_max_norm_equals_renorm_after_each_step(table, wide, begin, run):
    """renorm adds 1e-7 to a norm that it divides by: hence 1e-6."""
    training = begin(table(), wide, MaxNorm(0.4), epochs=EPOCHS, batch_size=BATCH, optimizer="sgd", learning_rate=RATE)

    def renormed(net):
        with torch.no_grad():
            for weight in (net[0].weight, net[3].weight):
                weight.copy_(torch.renorm(weight, 2, 0, 0.4))

    net = plain_loop(training, sgd(), each_step=renormed)
    run(training)
    for ours, plain in zip(training.model.parameters(), net.parameters(), strict=True):
        torch.testing.assert_close(ours, plain, rtol=0, atol=1e-6)
    assert float(training.model.net[3].weight.detach().norm(dim=1).max()) == pytest.approx(0.4, rel=1e-6)


def test_sam_equals_a_plain_loop_with_dropout_and_a_term(table, wide, begin, run):
    """Two passes with the same masks; penalties come after, at the weights themselves."""
    recipe = (Dropout(0.4), ActivationL2(0.2), L2(0.1, scope="all"), SAM(0.3))
    settings = {"epochs": EPOCHS, "batch_size": BATCH, "optimizer": "sgd", "learning_rate": RATE}
    training = begin(table(), wide, *recipe, **settings)
    net = copy.deepcopy(training.model.net)
    optimizer = sgd(0.1)(net)
    scheduler = CosineAnnealingLR(optimizer, EPOCHS * training.batches.per_epoch)
    weights = list(net.parameters())
    step = 0
    for epoch in range(EPOCHS):
        for batch in training.batches.epoch(epoch):
            uniforms = Draws(0, 0, step).uniform("dropout:net.2:1", (len(batch.inputs), 6), batch.inputs)
            mask = (uniforms >= 0.4).double() / 0.6

            def slopes(batch=batch, mask=mask):
                loss = cross_entropy(forward(net, batch.inputs, mask), batch.targets.argmax(1))
                hidden = net[0](batch.inputs.double()).tanh()
                return torch.autograd.grad(loss + 0.1 * hidden.square().sum(1).mean(), weights)

            start = [weight.detach().clone() for weight in weights]
            uphill = slopes()
            length = torch.cat([slope.flatten() for slope in uphill]).norm()
            with torch.no_grad():
                for weight, slope in zip(weights, uphill, strict=True):
                    weight += 0.3 * slope / length
            found = slopes()
            with torch.no_grad():
                for weight, slope, old in zip(weights, found, start, strict=True):
                    weight.copy_(old)
                    weight.grad = slope
            optimizer.step()
            scheduler.step()
            step += 1
    run(training)
    for ours, plain in zip(training.model.parameters(), net.parameters(), strict=True):
        torch.testing.assert_close(ours, plain, rtol=0, atol=1e-9)


def test_the_second_pass_of_sam_leaves_batch_norm_statistics_alone(images, conv, begin):
    """At learning rate 0 they are those of training without it; the step is not."""
    settings = {"epochs": 1, "batch_size": 10, "optimizer": "sgd"}
    plain, sharp = (begin(images(), conv, *rules, **settings, learning_rate=1e-30) for rules in ((), (SAM(0.5),)))
    for training in (plain, sharp):
        training.train_epoch()
    for name, buffer in plain.model.named_buffers():
        assert torch.equal(buffer, dict(sharp.model.named_buffers())[name]), name
    assert plain.model[1].num_batches_tracked == 4
    moved = [begin(images(), conv, *rules, **settings, learning_rate=0.1) for rules in ((), (SAM(0.5),))]
    for training in moved:
        training.train_epoch()
    assert not torch.equal(moved[0].model[0].weight, moved[1].model[0].weight)


def test_data_loss_and_terms_are_separate_series(table, wide, begin):
    """At a learning rate near 0 the data loss is that without terms, and the terms are their value by hand."""
    settings = {"epochs": 1, "batch_size": 40, "optimizer": "sgd", "learning_rate": 1e-12}
    plain = begin(table(), wide, **settings)
    termed = begin(table(), wide, ActivationL1(0.1), ConfidencePenalty(0.5), SAM(0.5), **settings)
    for training in (plain, termed):
        training.train_epoch()
    assert "terms" not in plain.course.series
    assert termed.course.series["data_loss"] == pytest.approx(plain.course.series["data_loss"], rel=1e-9)
    x = termed.examples.inputs(torch.arange(96))
    hidden = termed.model.net[0](x.double()).tanh()
    entropy = torch.distributions.Categorical(logits=termed.model(x)).entropy()
    short = torch.log(torch.tensor(3.0)) - entropy
    expected = (0.1 * hidden.abs().sum(1) + 0.5 * short).mean().detach()
    assert termed.course.series["terms"] == [pytest.approx(float(expected), rel=1e-6)]


NEW = (
    ActivationL1(0.01),
    ActivationL2(0.01),
    ConfidencePenalty(0.1),
    InputGradient(0.01),
    KLSparsity(0.01, squash="sigmoid"),
    DecoupledDecay(0.1),
    GradientNoise(0.01),
    MaxNorm(0.5),
    SAM(0.1),
    SpectralStep(0.1),
)
HARMLESS = {"strength": 0.0, "radius": 0.0, "limit": 1e9}


@pytest.mark.parametrize("kind", ["table", "images"])
@pytest.mark.parametrize("item", NEW, ids=lambda item: item.name())
def test_each_acts_and_at_zero_strength_the_bits_are_those_without(item, kind, request, begin, run, assert_same):
    """On a float64 network for tables, and on a convolutional one in float32 with batch normalisation and dropout."""
    dataset, model = request.getfixturevalue(kind)(), request.getfixturevalue("wide" if kind == "table" else "conv")
    settings = {"epochs": 2, "batch_size": 10, "clip": 1.0}
    around = (Dropout(0.3), L2(1e-3), EMA(0.9))
    expected = run(begin(dataset, model, *around, **settings))
    acted = run(begin(dataset, model, *around, item, **settings))
    assert all(value.isfinite().all() for value in acted.values())
    assert any(not torch.equal(acted[name], expected[name]) for name in expected)
    nothing = {name: value for name, value in HARMLESS.items() if hasattr(item, name)}
    assert_same(run(begin(dataset, model, *around, item.bind(nothing), **settings)), expected)


def test_terms_and_rules_go_on_from_a_checkpoint(table, wide, begin, run, assert_same):
    settings = {"epochs": 4, "batch_size": 16}
    recipe = (ActivationL2(0.01), InputGradient(0.1), SAM(0.1), GradientNoise(0.01), MaxNorm(0.5))
    whole, first, second = (begin(table(), wide, *recipe, **settings) for _ in range(3))
    expected = run(whole)
    for _ in range(2):
        first.train_epoch()
    tensors, plain = first.state()
    second.restore({name: value.clone() for name, value in tensors.items()}, plain)
    assert_same(run(second), expected)
    assert second.course.series == whole.course.series


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
