"""The ledger of steps of many kinds: closures, sparse gradients, groups, scalers, tied, frozen and compiled weights."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, embedding
from torch.optim import LBFGS, SGD, Adam, AdamW, SparseAdam

from bridle.auditing.audit import audit
from bridle.auditing.ledger import joined, named
from bridle.errors import AuditError
from bridle.records import Entry, Ledger

L2, L1 = 0.03, 0.002


def entries(found):
    return {entry.name: entry for entry in found.ledger.entries}


def penalty(model):
    weight = model.hidden.weight
    return 0.5 * L2 * weight.square().sum() + L1 * weight.abs().sum()


def with_closure(case, optimizer, extra=penalty):
    """A step that gives the optimizer its loss as a closure."""

    def closure():
        optimizer.zero_grad()
        loss = cross_entropy(case.model(case.words), case.targets) + extra(case.model)
        loss.backward()
        return loss

    return lambda: optimizer.step(closure)


def test_all_calls_of_a_closure_count(training):
    case = training()
    found = audit(
        case.model, optimizer := LBFGS(case.model.parameters(), 0.1, max_iter=3), with_closure(case, optimizer)
    )
    hidden = entries(found)["hidden.weight"]
    assert found.ledger.evaluations == 3
    assert found.ledger.passes == 1
    assert found.ledger.noise == 0.0
    assert hidden.strength == pytest.approx(L2, rel=1e-4)
    assert hidden.l1_strength == pytest.approx(L1, rel=1e-4)
    plain = training()
    optimizer = LBFGS(plain.model.parameters(), 0.1, max_iter=3)
    start = plain.model.hidden.weight.detach().clone()
    with_closure(plain, optimizer, lambda _: 0.0)()
    without = plain.model.hidden.weight.detach() - start
    again = training()
    optimizer = LBFGS(again.model.parameters(), 0.1, max_iter=3)
    with_closure(again, optimizer)()
    effect = again.model.hidden.weight.detach() - start - without
    assert hidden.parts["penalty"].size == pytest.approx(float(effect.norm()), rel=1e-3)


def test_an_unknown_penalty_in_a_closure_is_said(training):
    case = training()
    optimizer = LBFGS(case.model.parameters(), 0.1, max_iter=3)
    found = audit(
        case.model, optimizer, with_closure(case, optimizer, lambda model: 0.01 * model.out.weight.pow(4).sum())
    )
    assert entries(found)["out.weight"].penalty == "unknown"
    assert any("evaluates the gradient 3 times. On 1 of the weights" in note for note in found.ledger.notes)
    other = audit(case.model, optimizer, with_closure(case, optimizer))
    assert not any("evaluates the gradient" in note for note in other.ledger.notes)


def test_several_steps_in_one(training):
    case = training(lambda weights: SGD(weights, 0.1, weight_decay=0.05), penalty=penalty)
    found = audit(case.model, case.optimizer, lambda: (case.step(), case.step()))
    hidden = entries(found)["hidden.weight"]
    assert (found.ledger.form, found.ledger.evaluations) == ("coupled", 2)
    assert hidden.strength == pytest.approx(0.05 + L2, rel=1e-4)
    assert "called SGD.step() 2 times" in found.ledger.notes[0]
    assert "proximal" not in hidden.parts
    without = training()
    without.step(), without.step()
    whole = training(lambda weights: SGD(weights, 0.1, weight_decay=0.05), penalty=penalty)
    whole.step(), whole.step()
    effect = whole.model.hidden.weight - without.model.hidden.weight
    assert hidden.parts["penalty"].size == pytest.approx(float(effect.detach().norm()), rel=1e-3)


def test_a_decay_by_hand_between_two_steps(training):
    case = training()

    def step():
        case.step()
        with torch.no_grad():
            case.model.out.weight.mul_(1 - 0.1 * 0.3)
        case.step()

    out = entries(audit(case.model, case.optimizer, step))["out.weight"]
    assert out.decay == pytest.approx(0.3, rel=0.05)  # of the weights after the first step
    assert "proximal" not in out.parts


class Rows(nn.Module):
    """An embedding with sparse gradients and a linear layer."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(30, 6, sparse=True)
        self.out = nn.Linear(6, 3)

    def forward(self, words):
        return self.out(self.words(words).mean(1))


def on_rows(model, words):
    """L2 of the rows of the batch, with a sparse gradient."""
    return 0.5 * L2 * embedding(words.unique(), model.words.weight, sparse=True).square().sum()


def test_sparse_gradients(training):
    case = training(net=Rows)
    dense, sparse = SGD(case.model.out.parameters(), 0.1), SparseAdam([case.model.words.weight], 0.01)

    def step():
        dense.zero_grad()
        sparse.zero_grad()
        loss = cross_entropy(case.model(case.words), case.targets) + on_rows(case.model, case.words)
        loss.backward()
        sparse.step()
        dense.step()

    found = audit(case.model, sparse, step)
    words = entries(found)["words.weight"]
    assert words.strength == pytest.approx(L2, rel=1e-4)
    assert words.reach == pytest.approx(len(case.words.unique()) / 30)
    assert words.parts["penalty"].size > 0
    assert words.idle_rows == 0
    assert case.model.words.weight.grad is None
    assert any("2 of the weights move though SparseAdam does not hold them" in note for note in found.ledger.notes)
    assert not entries(found)["out.weight"].parts


def test_clipped_sparse_gradients(training):
    case = training(lambda weights: SGD(weights, 0.1), net=Rows)

    def step():
        case.optimizer.zero_grad()
        cross_entropy(case.model(case.words), case.targets).backward()
        nn.utils.clip_grad_value_(case.model.out.parameters(), 1e-3)
        case.model.words.weight.grad = case.model.words.weight.grad * 0.5
        case.optimizer.step()

    found = entries(audit(case.model, case.optimizer, step))
    assert found["words.weight"].clip == pytest.approx(0.5)
    assert found["words.weight"].parts["clipping"].share == pytest.approx(-1.0, rel=1e-3)


def test_groups_with_rates_and_decays_of_their_own(training):
    def groups(kind):
        def make(weights):
            words, hidden, *rest = list(weights)
            return kind(
                [
                    {"params": [hidden], "lr": 0.05, "weight_decay": 0.2},
                    {"params": [words], "lr": 0.2, "weight_decay": 0.01},
                    {"params": rest},
                ],
                0.1,
                weight_decay=0.0,
            )

        return make

    for kind, field in ((SGD, "strength"), (AdamW, "decay")):
        case = training(groups(kind))
        found = entries(audit(case.model, case.optimizer, case.step))
        assert getattr(found["hidden.weight"], field) == pytest.approx(0.2, rel=1e-3)
        assert getattr(found["words.weight"], field) == pytest.approx(0.01, rel=1e-2)
        assert math.isnan(getattr(found["out.weight"], field))
        assert (found["hidden.weight"].rate, found["words.weight"].rate, found["out.weight"].rate) == (0.05, 0.2, 0.1)
        part = found["hidden.weight"].parts["penalty" if kind is SGD else "decay"]
        assert part.size == pytest.approx(0.05 * 0.2 * found["hidden.weight"].size, rel=1e-3)


def test_a_whole_cycle_of_accumulated_gradients(training):
    case = training(lambda weights: SGD(weights, 0.1, weight_decay=0.05), penalty=penalty, micro=4)
    found = audit(case.model, case.optimizer, case.step)
    assert (found.ledger.passes, found.ledger.penalty_passes, found.ledger.evaluations) == (4, 4, 1)
    assert found.ledger.data_weight == pytest.approx(1.0)
    assert entries(found)["hidden.weight"].sources == {
        "loss": pytest.approx(4 * L2, rel=1e-4),
        "optimizer": pytest.approx(0.05),
    }


@pytest.mark.parametrize("to_none", [True, False])
def test_gradients_that_are_thrown_away_are_no_passes(training, to_none):
    case = training(penalty=penalty)

    def step():
        (3 * cross_entropy(case.model(case.words), case.targets)).backward()
        case.optimizer.zero_grad(set_to_none=to_none)
        (cross_entropy(case.model(case.words), case.targets) + penalty(case.model)).backward()
        case.optimizer.step()

    found = audit(case.model, case.optimizer, step)
    assert found.ledger.passes == 1
    assert found.ledger.data_weight == 1.0
    assert entries(found)["hidden.weight"].strength == pytest.approx(L2, rel=1e-4)


def test_gradients_that_are_set_without_a_backward_pass(training):
    case = training()

    def step():
        loss = cross_entropy(case.model(case.words), case.targets) + penalty(case.model)
        weights = list(case.model.parameters())
        for weight, slope in zip(weights, torch.autograd.grad(loss, weights), strict=True):
            weight.grad = slope
        case.optimizer.step()

    hidden = entries(audit(case.model, case.optimizer, step))["hidden.weight"]
    assert hidden.strength == pytest.approx(L2, rel=1e-4)
    assert hidden.data_gradient > 0
    plain = training(penalty=penalty)
    same = entries(audit(plain.model, plain.optimizer, plain.step))["hidden.weight"]
    assert hidden.parts["penalty"].size == pytest.approx(same.parts["penalty"].size, rel=1e-4)
    assert set(hidden.parts) == {"data", "penalty"}


def scaled(case, scaler, extra=penalty):
    def step():
        case.optimizer.zero_grad()
        scaler.scale(cross_entropy(case.model(case.words), case.targets) + extra(case.model)).backward()
        scaler.step(case.optimizer)
        scaler.update()

    return step


@pytest.mark.parametrize("fused", [False, True])
def test_a_gradient_scaler(training, fused):
    case = training(lambda weights: SGD(weights, 0.1, weight_decay=0.05, fused=fused))
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    found = audit(case.model, case.optimizer, scaled(case, scaler))
    hidden = entries(found)["hidden.weight"]
    assert found.ledger.scale == 1024.0
    assert (found.ledger.form, found.ledger.noise) == ("coupled", 0.0)
    assert hidden.sources == {"loss": pytest.approx(L2, rel=1e-4), "optimizer": pytest.approx(0.05)}
    assert hidden.l1_strength == pytest.approx(L1, rel=1e-4)
    weight = case.model.hidden.weight.detach()
    moved = 0.1 * ((0.05 + L2) * weight + L1 * weight.sign()).norm()
    assert hidden.parts["penalty"].size == pytest.approx(float(moved), rel=1e-3)


def test_a_scaler_that_skips_the_step_is_refused(training):
    case = training()
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127)
    before = [weight.detach().clone() for weight in case.model.parameters()]
    with pytest.raises(AuditError, match="a scale that overflows skips the step: take some steps before the audit"):
        audit(case.model, case.optimizer, scaled(case, scaler, lambda model: 9.0 * model.out.weight.square().sum()))
    assert all(map(torch.equal, before, case.model.parameters()))
    assert scaler.state_dict()["scale"] == 2.0**127


def test_tied_weights_are_one_entry(training):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(30, 6)
            self.out = nn.Linear(6, 30, bias=False)
            self.out.weight = self.words.weight

        def forward(self, words):
            return self.out(self.words(words).mean(1))

    case = training(lambda weights: AdamW(weights, 0.01, weight_decay=0.1), net=Tied)
    (words,) = audit(case.model, case.optimizer, case.step).ledger.entries
    assert words.name == "words.weight"
    assert words.decay == pytest.approx(0.1, rel=1e-2)
    assert words.idle_rows == 0  # the output layer trains all of them


def test_frozen_weights_do_not_move(training):
    case = training(lambda weights: AdamW(weights, 0.01, weight_decay=0.1), penalty=lambda _: 0.0)
    case.model.hidden.weight.requires_grad_(False)
    hidden = entries(audit(case.model, case.optimizer, case.step))["hidden.weight"]
    assert (hidden.trained, hidden.held, hidden.movement, hidden.parts) == (False, True, 0.0, {})
    assert math.isnan(hidden.decay)
    assert hidden.declared == 0.1


def test_rows_of_an_embedding_that_the_batch_does_not_hold(training):
    case = training(lambda weights: SGD(weights, 0.1, weight_decay=0.05))
    words = entries(audit(case.model, case.optimizer, case.step))["words.weight"]
    assert words.idle_rows == 30 - len(case.words.unique())
    assert words.strength == pytest.approx(0.05)
    assert words.reach == 1.0


@pytest.mark.parametrize("place", ["given", "reached", "in place"])
def test_compiled_models(training, place):
    case = training(lambda weights: AdamW(weights, 0.01, weight_decay=0.1), penalty=penalty)
    model = case.model
    if place == "in place":
        model.compile(backend="eager")
    called = model if place == "in place" else torch.compile(model, backend="eager")

    def step():
        case.optimizer.zero_grad()
        (cross_entropy(called(case.words), case.targets) + penalty(model)).backward()
        case.optimizer.step()

    step()
    found = audit(called if place == "given" else model, case.optimizer, step)
    hidden = entries(found)["hidden.weight"]
    assert hidden.strength == pytest.approx(L2, rel=1e-4)
    assert hidden.decay == pytest.approx(0.1, rel=1e-2)
    assert hidden.used is True
    assert not found.ledger.notes
    step()  # compiled as before


def test_a_model_in_bfloat16(training):
    case = training(lambda weights: SGD(weights, 0.5, weight_decay=0.2), penalty=penalty)
    case.model.to(torch.bfloat16)
    case.step()
    hidden = entries(audit(case.model, case.optimizer, case.step))["hidden.weight"]
    assert hidden.sources == {"loss": pytest.approx(L2, rel=0.01), "optimizer": pytest.approx(0.2)}
    assert hidden.l1_strength == pytest.approx(L1, rel=0.02)
    assert sum(part.share for part in hidden.parts.values()) == pytest.approx(1.0, abs=0.01)


class Pair(nn.Module):
    """Two networks that train against each other."""

    def __init__(self):
        super().__init__()
        self.maker = nn.Linear(4, 6)
        self.judge = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 1))


def against_each_other(first="judge"):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        pair = Pair()
    maker = Adam(pair.maker.parameters(), 0.01, weight_decay=0.1)
    judge = AdamW(pair.judge.parameters(), 0.01, weight_decay=0.3)
    source = torch.Generator().manual_seed(1)
    real, noise = torch.randn(16, 6, generator=source), torch.randn(16, 4, generator=source)
    likely = nn.functional.binary_cross_entropy_with_logits

    def judged():
        judge.zero_grad()
        answers = pair.judge(torch.cat([real, pair.maker(noise).detach()]))
        loss = likely(answers, torch.ones(32, 1).index_fill(0, torch.arange(16, 32), 0.0))
        (loss + 0.5 * L2 * pair.judge[0].weight.square().sum()).backward()
        judge.step()

    def made():
        maker.zero_grad()
        loss = likely(pair.judge(pair.maker(noise)), torch.ones(16, 1))
        (loss + L1 * pair.maker.weight.abs().sum()).backward()
        maker.step()

    order = [judged, made] if first == "judge" else [made, judged]
    return pair, maker, judge, lambda: [part() for part in order]


@pytest.mark.parametrize("first", ["judge", "maker"])
def test_several_optimizers(first):
    pair, maker, judge, step = against_each_other(first)
    before = [weight.detach().clone() for weight in pair.parameters()]
    found = audit(pair, [maker, judge], step)
    made, judged = entries(found)["maker.weight"], entries(found)["judge.0.weight"]
    assert found.ledger.optimizer == "Adam and AdamW"
    assert (found.ledger.form, found.ledger.passes, found.ledger.noise) == ("several", 1, 0.0)
    assert found.ledger.data_weight == 1.0
    assert (made.sources, made.l1_sources) == (
        {"optimizer": pytest.approx(0.1)},
        {"loss": pytest.approx(L1, rel=1e-4)},
    )
    assert judged.sources == {"loss": pytest.approx(L2, rel=1e-4)}
    assert judged.decay == pytest.approx(0.3, rel=1e-2)
    assert {"data", "decay"} <= set(judged.parts)
    assert "decay" not in made.parts
    assert not any("does not hold them" in note for note in found.ledger.notes)
    assert all(map(torch.equal, before, pair.parameters()))
    assert not maker.state
    assert not judge.state


def test_optimizers_that_the_step_names_nowhere_are_put_back():
    pair, maker, judge, step = against_each_other()
    holder = nn.Identity()
    holder.steps = (step,)
    audit(pair, [maker, judge], lambda: holder.steps[0]())
    assert not maker.state
    assert not judge.state


def test_one_of_several_optimizers():
    pair, maker, _, step = against_each_other()
    found = audit(pair, maker, step)
    assert not entries(found)["judge.0.weight"].parts
    assert any("4 of the weights move though Adam does not hold them" in note for note in found.ledger.notes)


def test_optimizers_that_share_a_weight_are_refused():
    pair, maker, _, step = against_each_other()
    with pytest.raises(AuditError, match="2 weights are held by two of the optimizers"):
        audit(pair, [maker, SGD(pair.maker.parameters(), 0.1)], step)
    with pytest.raises(AuditError, match="or a list of them; got an empty list"):
        audit(pair, [], step)


def test_a_step_that_raises_leaves_all_as_it_was(training):
    case = training(lambda weights: Adam(weights, 0.01, weight_decay=0.1), penalty=penalty, clip=0.1)
    case.step()
    before = [value.clone() for value in case.model.state_dict().values()]
    moments = [value.clone() for state in case.optimizer.state.values() for value in state.values()]
    random, inner, calls = torch.get_rng_state(), case.step, []
    for fatal in range(1, 9):
        runs = iter(range(1, 99))

        def step(runs=runs, fatal=fatal):
            torch.rand(1)
            inner()
            calls.append(fatal)
            if next(runs) == fatal:
                raise RuntimeError("no more memory")

        with pytest.raises(RuntimeError, match="no more memory"):
            audit(case.model, case.optimizer, step)
        assert all(map(torch.equal, before, case.model.state_dict().values()))
        after = [value for state in case.optimizer.state.values() for value in state.values()]
        assert all(map(torch.equal, moments, after))
        assert torch.equal(random, torch.get_rng_state())
        assert not any((*module._forward_hooks, *module._forward_pre_hooks) for module in case.model.modules())
        assert not case.optimizer._optimizer_step_pre_hooks
        assert not case.optimizer._optimizer_step_post_hooks
        assert not any(weight._post_accumulate_grad_hooks for weight in case.model.parameters())
        assert torch.autograd.backward.__name__ == "backward"
        assert torch.amp.GradScaler._unscale_grads_.__name__ == "_unscale_grads_"
        assert nn.utils.clip_grad_value_.__name__ == "clip_grad_value_"
    assert not calls


def test_names_are_the_users():
    model = nn.ModuleDict({"one": nn.Linear(2, 2), "two": nn.LayerNorm(2)})
    model["again"] = model["one"]
    model["one"].register_parameter("steps", nn.Parameter(torch.ones(2, dtype=torch.int64), requires_grad=False))
    kinds = {name: kind for name, (kind, _) in named(model).items()}
    assert kinds == {"one.weight": "matrices", "one.bias": "biases", "two.weight": "norms", "two.bias": "biases"}
    assert list(named(torch.compile(model, backend="eager"))) == list(kinds)


def entry(name, held):
    return Entry(name, "matrices", (2,), True, held, True, 1.0, 0.1, 0.0, 0.1, 1.0, 0.0)


def test_ledgers_are_joined():
    one = Ledger((entry("a", True), entry("b", False)), "Adam", "coupled", steps=3, notes=("x",), data_weight=1.0)
    two = Ledger((entry("a", False), entry("b", True)), "SGD", "none", 0.2, 4, 4, 0.5, 2.0, steps=4, notes=("x", "y"))
    both = joined([one, two])
    assert [one.held for one in both.entries] == [True, True]
    assert (both.optimizer, both.form, both.noise, both.passes, both.steps) == ("Adam and SGD", "several", 0.2, 4, 7)
    assert both.notes == ("x", "y")
    assert math.isnan(both.data_weight)
    assert math.isnan(both.root)
    assert joined([one]) is one
    apart = joined([replace(one, processes=2, replicas=2.0), replace(two, processes=2, replicas=1.0)])
    assert (apart.processes, math.isnan(apart.replicas)) == (2, True)
