"""The training of one member, and that it is the same in any company."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from bridle.core import Recipe, Training
from bridle.engine import course as module
from bridle.engine.member import MemberTraining, fresh_weights
from bridle.metrics import catalogue as metrics
from bridle.population import Member
from bridle.records import Task
from bridle.regularizers.augment import Mixup
from bridle.regularizers.averaging import EMA
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L2
from bridle.regularizers.stopping import EarlyStopping

EVERYTHING = (Dropout(0.3), Mixup(0.4), L2(1e-3), EMA(0.9))


def test_series_are_separate_and_clean(table, wide, begin, fold):
    """The clean scores are recomputed here with scikit-learn from the kept weights."""
    from sklearn.metrics import log_loss

    dataset = table()
    marks = fold(96, score=20, watch=10)
    training = begin(dataset, wide, *EVERYTHING, EarlyStopping(5), marks=marks, epochs=3, batch_size=16)
    training.train_epoch()
    training.train_epoch()
    assert sorted(training.course.series) == ["clean", "data_loss", "learning_rate", "penalty", "score", "watch"]
    assert all(len(values) == 2 for values in training.course.series.values())
    net = wide(torch.zeros(4), 3)
    net.load_state_dict(training._kept)
    for name, rows in {"clean": range(66), "watch": range(66, 76), "score": range(76, 96)}.items():
        x = training.examples.inputs(torch.tensor(list(rows)))
        expected = log_loss(dataset.targets[list(rows)], net(x).softmax(1).detach().numpy(), labels=[0, 1, 2])
        assert training.course.series[name][-1] == pytest.approx(expected, rel=1e-9)


def test_rows_that_watch_or_score_are_never_trained_on(table, wide, begin, run, fold, assert_same):
    """Their targets may be anything."""
    marks = fold(96, score=20, watch=10)
    settings = {"marks": marks, "epochs": 3, "batch_size": 16}
    expected = run(begin(table(), wide, *EVERYTHING, **settings))
    spoilt = table()
    spoilt.targets[66:] = (spoilt.targets[66:] + 1) % 3
    spoilt.inputs[66:] = -9
    assert_same(run(begin(spoilt, wide, *EVERYTHING, **settings)), expected)


def test_early_stopping_keeps_the_best_watched_epoch(table, wide, begin, run, fold, assert_same):
    settings = {"marks": fold(96, score=20, watch=20), "batch_size": 8, "learning_rate": 0.1, "schedule": "constant"}
    training = begin(table(), wide, EarlyStopping(4), epochs=60, **settings)
    states = []
    while not training.course.finished:
        training.train_epoch()
        states.append({name: value.clone() for name, value in training.model.state_dict().items()})
    watch = training.course.series["watch"]
    best = int(np.argmin(watch))
    assert 0 < best < len(watch) - 1 < 59
    assert len(watch) == best + 1 + 4
    assert training.course.best_epoch == best + 1
    assert_same(training.weights(), states[best])


def test_early_stopping_follows_the_metrics_direction(table, wide, begin, fold, setting):
    marks = fold(96, score=20, watch=20)
    recipe = Recipe(EarlyStopping(3), training=Training(epochs=30, batch_size=8, learning_rate=0.1))
    training = MemberTraining(Member(0, recipe, marks, 0), setting(table(), wide, metric="accuracy"))
    while not training.course.finished:
        training.train_epoch()
    assert training.course.best_epoch == int(np.argmax(training.course.series["watch"])) + 1


def test_differences_below_float32_count_as_improvement(table, wide, begin, fold, monkeypatch):
    training = begin(table(), wide, EarlyStopping(1), marks=fold(96, watch=20), epochs=9)
    scores = iter([0.5, 0.5 - 1e-12, 0.5 - 2e-12, 0.5, 0.5])
    monkeypatch.setattr(training.course, "_watched", lambda: next(scores))
    while not training.course.finished:
        training.train_epoch()
    assert (training.course.epoch, training.course.best_epoch) == (4, 3)


def test_stop_after_is_the_start_of_the_longer_schedule(table, wide, begin, run, assert_same):
    long = begin(table(), wide, *EVERYTHING, epochs=9, batch_size=16, warmup=0.2)
    for _ in range(4):
        long.train_epoch()
    expected = {name: value.clone() for name, value in long.weights().items()}
    short = begin(table(), wide, *EVERYTHING, epochs=9, stop_after=4, batch_size=16, warmup=0.2)
    assert_same(run(short), expected)
    assert short.course.series == long.course.series
    assert short.course.epoch == 4


def test_batch_norm_statistics_of_averaged_weights(images, conv, begin, run):
    """They are those of the averaged weights on clean rows; the live ones stay as training left them."""
    training = begin(images(), conv, EMA(0.9), epochs=3, batch_size=10)
    kept = run(training)
    net = conv(torch.zeros(3, 6, 6), 2)
    net.load_state_dict(kept)
    x = training.examples.preprocessing.normalise(training.examples.inputs(torch.arange(40)))
    convolved = net[0](x).detach().transpose(0, 1).flatten(1)
    torch.testing.assert_close(kept["1.running_mean"], convolved.mean(1))
    torch.testing.assert_close(kept["1.running_var"], convolved.var(1))
    assert not torch.equal(training.model[1].running_mean, kept["1.running_mean"])
    assert training.model[1].num_batches_tracked == 12


def test_clean_scores_of_many_rows_use_some_of_them(table, wide, begin, monkeypatch):
    monkeypatch.setattr(module, "CLEAN_ROWS", 30)
    rows = [begin(table(), wide, seed=seed).course.rows["clean"] for seed in (0, 1)]
    np.testing.assert_array_equal(*rows)
    assert len(set(rows[0].tolist())) == 30
    assert rows[0].tolist() != list(range(30))


def test_bfloat16_trains_and_scores(images, conv, begin):
    settings = {"epochs": 12, "batch_size": 10, "learning_rate": 0.02}
    exact, rounded = begin(images(), conv, **settings), begin(images(), conv, precision="bfloat16", **settings)
    seen = []
    rounded.model[0].register_forward_hook(lambda *given: seen.append(given[2].dtype))
    for training in (exact, rounded):
        while not training.course.finished:
            training.train_epoch()
    assert set(seen) == {torch.bfloat16}
    assert {weight.dtype for weight in rounded.model.parameters()} == {torch.float32}
    assert rounded.course.series["data_loss"][-1] < 0.8 * rounded.course.series["data_loss"][0]
    assert rounded.course.series["data_loss"] == pytest.approx(exact.course.series["data_loss"], rel=0.1)
    assert rounded.course.series["data_loss"] != exact.course.series["data_loss"]


def test_channels_last_changes_rounding_only(images, conv, begin, run, monkeypatch):
    """With SGD: Adam would blow up the rounding of a gradient that is zero, that of a bias before a norm."""
    settings = {"epochs": 2, "batch_size": 10, "optimizer": "sgd", "learning_rate": 0.1}
    laid = run(begin(images(), conv, EMA(0.9), **settings))
    monkeypatch.setattr(nn.Module, "to", lambda self, *_, **__: self)
    plain = begin(images(), conv, EMA(0.9), **settings)
    assert plain.model[0].weight.is_contiguous()
    for name, value in run(plain).items():
        torch.testing.assert_close(laid[name], value, rtol=1e-4, atol=1e-5)


def test_a_users_own_loss_is_what_is_minimised(table, line, begin, run):
    """Mean absolute error leads to the median of a constant model; squared error to the mean."""
    dataset = table(rows=31, task=Task.REGRESSION)
    dataset.inputs[:] = 1.0
    settings = {"epochs": 400, "batch_size": 31, "optimizer": "adam", "learning_rate": 0.05}
    for loss, middle in ((lambda output, target: (output - target).abs(), np.median), (None, np.mean)):
        training = begin(dataset, line, loss=loss, **settings)
        run(training)
        assert training.course.series["score" if "score" in training.course.series else "clean"]
        x = training.examples.inputs(torch.arange(1))
        found = training.examples.preprocessing.restore(training.model(x).detach())
        assert float(found) == pytest.approx(middle(dataset.targets), abs=1e-2)


def test_a_users_own_loss_gets_rows_where_targets_are_mixed(table, wide, begin):
    seen = []

    def loss(output, target):
        seen.append(target.shape)
        return -(target * output.log_softmax(1)).sum(1)

    begin(table(), wide, Mixup(0.4), loss=loss, epochs=1, batch_size=96).train_epoch()
    assert seen == [(96, 3)]


def members(fold, number=3):
    made = []
    for index in range(number):
        training = Training(epochs=2, batch_size=10, learning_rate=0.01 * (index + 1))
        recipe = Recipe(*EVERYTHING, training=training)
        made.append(Member(index, recipe, fold(40, score=8, number=index), seed=index))
    return made


def test_alone_and_in_company_a_member_is_the_same(images, conv, fold, setting, run, assert_same):
    """After others, in another order, and interleaved with them epoch by epoch, with one shared setting."""
    dataset, mine = images(), members(fold)
    alone = [run(MemberTraining(one, setting(dataset, conv))) for one in mine]
    shared = setting(dataset, conv)
    after_others = {one.candidate: run(MemberTraining(one, shared)) for one in reversed(mine)}
    together = [MemberTraining(one, shared) for one in mine]
    for _ in range(2):
        for training in together:
            training.train_epoch()
    for number, expected in enumerate(alone):
        assert_same(after_others[number], expected)
        assert_same(together[number].weights(), expected)


def test_members_of_one_seed_and_fold_share_what_is_drawn(table, wide, begin):
    """Initial weights, batches and uniforms do not depend on the recipe or its number."""
    one, other = begin(table(), wide, L2(0.1)), begin(table(), wide, Dropout(0.5), learning_rate=0.5)
    for ours, theirs in zip(one.model.parameters(), other.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    for ours, theirs in zip(one.batches.epoch(3), other.batches.epoch(3), strict=True):
        assert torch.equal(ours.examples, theirs.examples)
    another = begin(table(), wide, L2(0.1), seed=1)
    assert not torch.equal(next(one.model.parameters()), next(another.model.parameters()))


def test_fresh_weights_are_those_before_the_first_step(table, wide, fold, setting):
    member = Member(0, Recipe(training=Training(epochs=1)), fold(96), 4)
    shared = setting(table(), wide)
    training = MemberTraining(member, shared)
    before = {name: value.clone() for name, value in training.model.state_dict().items()}
    training.train_epoch()
    again = fresh_weights(member, shared).state_dict()
    assert all(torch.equal(again[name], value) for name, value in before.items())


def test_weights_of_the_rows_enter_the_scores(table, wide, begin, fold):
    dataset = dataclasses.replace(table(), weights=np.linspace(0, 1, 96) ** 4)
    weighted, plain = (begin(data, wide, epochs=1, marks=fold(96, score=40)) for data in (dataset, table()))
    for training in (weighted, plain):
        training._score()
    output = plain.model(plain.examples.inputs(torch.arange(56, 96))).detach()
    losses = nn.functional.cross_entropy(output, torch.from_numpy(dataset.targets[56:]), reduction="none").numpy()
    expected = np.average(losses, weights=dataset.weights[56:])
    assert weighted.course.series["score"] == [pytest.approx(expected, rel=1e-9)]
    assert plain.course.series["score"] == [pytest.approx(losses.mean(), rel=1e-9)]


def test_the_metric_is_the_settings(table, wide, begin, fold, setting):
    recipe = Recipe(training=Training(epochs=1))
    training = MemberTraining(Member(0, recipe, fold(96, score=32), 0), setting(table(), wide, metric="accuracy"))
    training.train_epoch()
    assert training.course.series["score"][0] * 32 == pytest.approx(round(training.course.series["score"][0] * 32))
    assert metrics.find("accuracy").higher_is_better
