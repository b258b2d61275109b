"""The closing phase of Bridle's own trainings: against scikit-learn, and what it leaves in the outcome."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Lasso

from bridle.core import Recipe
from bridle.engine.optimality import kkt_residual
from bridle.engine.outcomes import kept_weights
from bridle.engine.setting import Setting
from bridle.engine.train import train
from bridle.metrics import catalogue as metrics
from bridle.population import Member
from bridle.records import Task
from bridle.regularizers.averaging import EMA
from bridle.regularizers.penalties import L1, L2, L2Start

ALPHA = 0.15


@pytest.fixture
def problem(table):
    return table(rows=80, columns=10, task=Task.REGRESSION)


def test_the_closing_phase_ends_at_scikit_learns_solution(problem, line, begin, run):
    """From 5 epochs of small batches, whose zeros are wrong, with averaging on top."""
    settings = {"batch_size": 8, "epochs": 5, "learning_rate": 0.05, "optimizer": "sgd", "schedule": "constant"}
    training = begin(problem, line, L1(2 * ALPHA), EMA(0.5), closing=500, **settings)
    run(training)
    rows = torch.arange(80)
    x, y = training.examples.inputs(rows).double().numpy(), training.examples.targets(rows).double().numpy()[:, 0]
    expected = Lasso(ALPHA, tol=1e-14).fit(x, y).coef_
    before = training.weights()["head.weight"][0].numpy()
    residual = training.close()
    found = training.weights()["head.weight"][0].numpy()
    assert np.abs(before - expected).max() > 1e-3
    np.testing.assert_array_equal(found == 0, expected == 0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-7)
    assert residual < 1e-7


def test_the_residual_is_that_of_the_public_call(problem, wide, begin, run):
    training = begin(problem, wide, L1(0.01), L2(0.1, scope="biases"), batch_size=16, epochs=2)
    run(training)
    found = training.close()
    training.model.eval()
    rows = torch.arange(80)

    def loss():
        output = training.model(training.examples.inputs(rows))
        return (output - training.examples.targets(rows)).square().mean()

    assert found > 1e-3
    assert found == pytest.approx(kkt_residual(training.model, training.recipe, loss), rel=1e-9)


def test_no_closing_leaves_the_weights(problem, wide, begin, run):
    training = begin(problem, wide, L1(0.01), epochs=2)
    kept = {name: value.clone() for name, value in run(training).items()}
    training.close()
    assert all(torch.equal(value, kept[name]) for name, value in training.weights().items())


def test_without_a_penalty_there_is_no_residual(problem, wide, begin, run):
    training = begin(problem, wide, epochs=1)
    run(training)
    assert training.close() is None


@pytest.mark.parametrize("keep", [True, False])
def test_only_kept_members_are_closed(keep, problem, wide, begin, tmp_path):
    template = begin(problem, wide, L1(0.02), epochs=1, closing=5)
    setting = Setting(problem, metrics.find("rmse"), wide, folder=tmp_path)
    member = Member(0, template.recipe, template.member.fold, 0, keep=keep)
    outcome = train(member, setting)
    assert (outcome.residual is not None) == keep
    if keep:
        live = template.model
        live.load_state_dict(kept_weights(member, setting))
        live.eval()

        def loss():
            rows = torch.arange(80)
            return (live(template.examples.inputs(rows)) - template.examples.targets(rows)).square().mean()

        assert outcome.residual == pytest.approx(kkt_residual(live, Recipe(L1(0.02)), loss), rel=1e-6)


def test_a_resumed_member_keeps_its_starting_point(problem, wide, begin):
    """The checkpoint brings it, whatever the network starts from when it is built again."""
    training = begin(problem, wide, L2Start(0.5), epochs=3)
    training.train_epoch()
    other = begin(problem, wide, L2Start(0.5), epochs=3, seed=7)
    other.restore(*training.state())
    expected, found = training.step.penalties.state(), other.step.penalties.state()
    assert list(expected) == ["l2_start/net.0.weight", "l2_start/net.3.weight"]
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    assert other.step.penalties.value() > 0


def test_a_kept_member_reports_what_acts_twice(problem, wide, begin, tmp_path):
    template = begin(problem, wide, L2(0.02), epochs=1, weight_decay=0.01)
    setting = Setting(problem, metrics.find("rmse"), wide, folder=tmp_path)
    outcome = train(Member(0, template.recipe, template.member.fold, 0, keep=True), setting)
    assert [finding.name for finding in outcome.findings] == ["penalty_and_weight_decay"]
