"""The audit of a training of Bridle's own."""

import math
import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from bridle.auditing.member import Circumstances, audit_member
from bridle.records import Severity, serial
from bridle.regularizers.penalties import L1, L2
from bridle.regularizers.terms import InputGradient
from bridle.regularizers.updates import DecoupledDecay, GradientNoise


def audited(case, **around):
    return audit_member(case.member, case.setting, case.weights, Circumstances("log_loss", case.epochs, **around))


def entries(record):
    return {entry.name: entry for entry in record.ledger.entries}


def test_the_ledger_and_the_strengths_of_l2(own):
    record, findings = audited(own(L2(0.1)))
    held = entries(record)
    assert list(held) == ["first.weight", "first.bias", "last.weight", "last.bias"]
    assert held["first.weight"].strength == pytest.approx(0.1, rel=1e-5)
    assert held["first.weight"].sources == {"bridle": pytest.approx(0.1, rel=1e-5)}
    assert held["first.weight"].fit > 0.99999
    assert math.isnan(held["first.bias"].strength)
    assert all(entry.used for entry in held.values())
    assert {(one.dial, one.weight) for one in record.effects} == {
        ("l2.strength", "first.weight"), ("l2.strength", "last.weight"),
    }  # fmt: skip
    assert [one.measured for one in record.effects] == pytest.approx([0.1, 0.1], rel=1e-5)
    assert sum(part.share for part in held["first.weight"].parts.values()) == pytest.approx(1.0, abs=1e-3)
    assert {"data", "penalty"} <= set(held["first.weight"].parts)
    assert (record.step, record.steps, record.failure, record.notes) == (5, 12, "", ())
    assert findings == []


def test_adamws_decay_and_a_rule_of_the_recipe(own):
    record, findings = audited(own(DecoupledDecay(0.5), weight_decay=0.2))
    measured = {(one.dial, one.weight): one.measured for one in record.effects}
    assert measured["decoupled_decay.strength", "first.weight"] == pytest.approx(0.5, rel=1e-3)
    assert measured["training.weight_decay", "first.weight"] == pytest.approx(0.2, rel=5e-3)
    assert measured["training.weight_decay", "first.bias"] == pytest.approx(0.2, rel=5e-3)
    assert entries(record)["first.weight"].decay == pytest.approx(0.7, rel=5e-3)
    assert entries(record)["last.bias"].decay == pytest.approx(0.2, rel=5e-3)
    (finding,) = findings
    assert finding.name == "decay_scope"
    assert "training.weight_decay is on every parameter; set it to 0" in finding.message
    assert set(finding.numbers["strengths"]) == {"first.bias", "last.bias"}


def test_l1_by_its_proximal_step(own):
    record, _ = audited(own(L1(0.003)))
    assert [one.measured for one in record.effects] == pytest.approx([0.003, 0.003], rel=1e-3)
    assert "proximal" in entries(record)["first.weight"].parts
    assert "penalty" not in entries(record)["first.weight"].parts


def test_a_loss_of_the_users_with_weighted_rows_leaves_strengths_as_they_are(own):
    def halved(output, target):
        return 0.5 * functional.cross_entropy(output, target, reduction="none")

    record, _ = audited(own(L2(0.1), loss=halved))
    assert entries(record)["first.weight"].strength == pytest.approx(0.1, rel=1e-5)
    assert entries(record)["first.weight"].sources == {"bridle": pytest.approx(0.1, rel=1e-5)}
    assert record.ledger.data_weight == 1.0


def test_a_gradient_of_l1_has_its_strength_and_its_source(own):
    def halved(output, target):
        return 0.5 * functional.cross_entropy(output, target, reduction="none")

    first = entries(audited(own(L1(0.003, gradient_only=True), loss=halved))[0])["first.weight"]
    assert first.l1_strength == pytest.approx(0.003, rel=1e-4)
    assert first.l1_sources == {"bridle": pytest.approx(0.003, rel=1e-4)}


def test_noise_on_gradients_is_no_penalty(own):
    record, _ = audited(own(GradientNoise(1.0), L2(0.1)))
    assert entries(record)["first.weight"].fit > 0.99999
    assert "penalty" not in entries(record)["first.bias"].parts
    assert record.notes == (
        "gradient_noise adds random numbers to the gradient: it was left out while the parts were measured.",
    )


def test_clipping_is_told_only_where_it_is_declared(own):
    record, _ = audited(own(L2(1e4), optimizer="sgd", learning_rate=1e-5))
    assert all("clipping" not in entry.parts and entry.clip == 1.0 for entry in record.ledger.entries)
    record, _ = audited(own(L2(0.1), clip=0.01, optimizer="sgd"))
    assert entries(record)["first.weight"].clip < 0.5
    assert "clipping" in entries(record)["first.weight"].parts
    assert entries(record)["first.weight"].strength == pytest.approx(0.1, rel=1e-3)  # the penalty is not clipped


class Drawing(nn.Module):
    """Draws from the global generators of torch, NumPy and Python whenever it is trained."""

    def __init__(self, example, outputs):
        super().__init__()
        self.first, self.last = nn.Linear(len(example), 8), nn.Linear(8, outputs)

    def forward(self, x):
        hidden = functional.dropout(self.first(x).tanh(), 0.2, training=self.training)
        noise = np.random.random() + random.random() if self.training else 1.0  # noqa: NPY002
        return self.last(hidden) * (1 + 0.001 * noise)


def test_nothing_of_the_training_is_touched(own):
    case = own(L2(0.1), L1(0.003), model=Drawing)
    kept = {name: value.clone() for name, value in case.weights.items()}
    flushing = torch.set_flush_denormal(False)
    assert flushing
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    audited(case)
    after = torch.get_rng_state(), np.random.get_state()[1], random.getstate()  # noqa: NPY002
    assert torch.equal(before[0], after[0])
    assert (before[1] == after[1]).all()
    assert before[2] == after[2]
    assert all(torch.equal(case.weights[name], value) for name, value in kept.items())
    assert (torch.tensor(1e-310, dtype=torch.float64) * 1).item()


def test_it_does_not_depend_on_the_state_of_torchs_generator(own, tanh):
    class Noisy(tanh):
        def forward(self, x):
            return super().forward(functional.dropout(x, 0.3, training=self.training))

    case, found = own(L2(0.1), model=Noisy), []
    for seed in (1, 2):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            found.append(serial.dumps(audited(case)[0]))
    assert found[0] == found[1]


def test_a_loss_term_is_no_penalty_without_a_gradient(own):
    record, findings = audited(own(InputGradient(0.5), L2(0.1)))
    assert math.isnan(record.ledger.without_gradient)
    assert entries(record)["first.weight"].strength == pytest.approx(0.1, rel=1e-5)
    assert findings == []


def test_a_network_that_cannot_be_taken_apart_is_said_to_be_none(own, tanh):
    class Refusing(tanh):
        def forward(self, x):
            if self.first.weight.detach().norm() > self.bound:
                raise RuntimeError("weights out of bounds")
            return super().forward(x)

        bound = math.inf

    case = own(L2(0.1), model=Refusing, learning_rate=1e-4)
    Refusing.bound = float(case.weights["first.weight"].norm()) * 1.05  # it stretches weights by a tenth
    record, findings = audited(case)
    assert record.ledger is None
    assert record.effects == ()
    assert record.failure == "RuntimeError: weights out of bounds"
    assert "shared_rows" in record.checks
    assert findings == []


def test_a_check_that_fails_is_named_and_the_others_look(own, monkeypatch):
    def broken(*_):
        raise RuntimeError("cannot look")

    monkeypatch.setattr("bridle.auditing.checks.denormals.Denormals.look", broken)
    record, _ = audited(own(L2(0.1)))
    assert record.notes == ("The check denormals could not look: RuntimeError: cannot look.",)
    assert "denormals" not in record.checks
    assert "shared_rows" in record.checks


def test_functional_dropout_of_the_users_network_is_found(own, tanh):
    class Leaky(tanh):
        def forward(self, x):
            return super().forward(functional.dropout(x, 0.2))

    _, findings = audited(own(L2(0.1), model=Leaky))
    assert [(finding.name, finding.severity) for finding in findings] == [("functional_dropout", Severity.ERROR)]


def test_a_penalty_on_weights_that_the_network_does_not_use_is_found(own, tanh):
    class Extra(tanh):
        def __init__(self, example, outputs):
            super().__init__(example, outputs)
            self.idle = nn.Linear(3, 3)

        def forward(self, x):
            return super().forward(x) + 0 * self.idle(torch.ones(3))

    record, findings = audited(own(L2(0.1), model=Extra))
    assert entries(record)["idle.weight"].used is False
    (finding,) = findings
    assert (finding.name, finding.severity) == ("penalty_without_effect", Severity.WARNING)
    assert finding.numbers == {"weights": {"idle.weight": pytest.approx(0.1)}}


def test_test_rows_that_are_training_rows_are_found(own, table):
    case = own(L2(0.1))
    _, findings = audited(case, test=(table, np.arange(20)))
    assert [(finding.name, finding.severity) for finding in findings] == [("shared_rows", Severity.ERROR)]
    assert "20 of 20 test rows (100.0%) are training rows" in findings[0].message
    other = table.inputs.copy()
    other[:20] += 0.5
    assert audited(case, test=(replace(table, inputs=other), np.arange(20)))[1] == []
