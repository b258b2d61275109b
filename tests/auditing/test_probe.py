"""One run of a step under a plan, on a line whose gradients are known by hand."""

import pytest
import torch
from torch import nn
from torch.optim import LBFGS, SGD

import bridle
from bridle.auditing.fits import Fit
from bridle.auditing.probe import Probe
from bridle.auditing.trace import Plan, Term

DATA = [[0.0, -2.0]]


def probe(case):
    return Probe(case.model, case.optimizer, case.step, [case.weight], [])


def ran(case, plan):
    """The trace of a run, and how far the weights went."""
    start = case.weight.detach().clone()
    trace = probe(case).run(plan)
    return trace, (case.weight.detach() - start).tolist()


def close(value, expected):
    torch.testing.assert_close(torch.as_tensor(value), torch.as_tensor(expected))


def ridge(weight):
    return 0.5 * 0.5 * weight.square().sum()


def test_a_whole_step(line):
    case = line(extra=ridge)
    trace, move = ran(case, Plan(watch=True))
    close(trace.raw(case.weight), [[0.5, -3.0]])
    close(trace.seen[case.weight], [[0.5, -3.0]])
    assert trace.seen[case.weight] is trace.raw(case.weight)  # held once
    close(trace.before[case.weight], [[1.0, -2.0]])
    close(trace.after[case.weight], [[0.95, -1.7]])
    close(move, [[-0.05, 0.3]])
    assert (trace.evaluations, trace.steps, trace.calls, trace.passes) == (1, 1, 1, {case.weight: 1})
    close(trace.losses, [2.0 + 1.25])
    assert [float(one) for one in trace.data_weights] == [1.0]


def test_silence_and_what_is_taken_out(line):
    case = line(extra=ridge)
    trace, move = ran(case, Plan(silent=True, watch=True))
    close(trace.raw(case.weight), [[0.5, -1.0]])
    assert trace.changes == {case.weight: 1}
    assert trace.before == {}
    close(move, [[-0.05, 0.1]])
    case = line(extra=ridge)
    removed = {case.weight: Term(torch.tensor([[0.5, -1.0]]))}
    close(ran(case, Plan(removed=removed, passes={case.weight: 1}))[1], [[0.0, 0.2]])


def test_decay_is_switched_off_and_pulled_by_hand(line):
    def decaying(weights):
        return SGD(weights, 0.1, weight_decay=0.5)

    close(ran(line(decaying), Plan())[1], [[-0.05, 0.3]])
    close(ran(line(decaying), Plan(no_decay=True))[1], [[0.0, 0.2]])
    case = line(decaying)
    close(ran(case, Plan(no_decay=True, pull={case.weight: 0.5}))[1], [[-0.05, 0.3]])
    assert case.optimizer.param_groups[0]["weight_decay"] == 0.0  # to undo that is not the probe's


def test_what_the_step_does_to_gradients(line):
    def spoil(weight):
        nn.utils.clip_grad_value_([weight], 1.0)
        weight.grad.add_(0.25)

    trace, move = ran(case := line(before=spoil), Plan(watch=True))
    close(trace.raw(case.weight), DATA)
    close(trace.seen[case.weight], [[0.25, -0.75]])
    close(move, [[-0.025, 0.075]])
    close(ran(line(before=spoil), Plan(clips=False))[1], [[-0.025, 0.175]])
    close(ran(line(before=spoil), Plan(raw=True))[1], [[0.0, 0.2]])
    case = line(before=spoil)
    added = {case.weight: Term(torch.full((1, 2), 0.25))}
    close(ran(case, Plan(raw=True, added=added))[1], [[-0.025, 0.175]])
    case = line(before=spoil)
    added = {case.weight: Term(torch.full((1, 2), 0.25))}
    close(ran(case, Plan(stripped=True, added=added))[1], [[0.0, 0.1]])


def test_what_the_step_does_to_weights_around_the_optimizer(line):
    @torch.no_grad()
    def shrink(weight):
        weight.mul_(0.5)

    trace, _ = ran(case := line(before=shrink, after=shrink), Plan(watch=True))
    close(trace.before[case.weight], [[0.5, -1.0]])
    close(trace.after[case.weight], [[0.5, -0.8]])
    assert trace.drift == {}


def test_between_two_steps(line):
    case = line()
    inner = case.step

    def step():
        inner()
        with torch.no_grad():
            case.weight.add_(1.0)
        inner()

    case.step = step
    trace, _ = ran(case, Plan(watch=True))
    close(trace.drift[case.weight], [[1.0, 1.0]])
    close(trace.before[case.weight], [[1.0, -2.0]])
    assert (trace.steps, trace.evaluations) == (2, 2)
    close(trace.raw(case.weight), DATA)  # that of the first


def test_a_known_penalty_is_taken_out_of_later_evaluations(line):
    def moved(extra, plan=None):
        case = line(lambda weights: LBFGS(weights, 0.1, max_iter=3), extra=extra)

        def closure():
            case.optimizer.zero_grad()
            loss = case.model(case.inputs).square().mean() + extra(case.weight)
            loss.backward()
            return loss

        case.step = lambda: case.optimizer.step(closure)
        return ran(case, plan(case.weight) if plan else Plan(watch=True))

    def lasso(weight):
        return ridge(weight) + 0.3 * weight.abs().sum()

    gradient = torch.tensor([[0.8, -1.3]])

    def without(fit):
        return lambda weight: Plan(removed={weight: Term(gradient, fit)}, passes={weight: 1})

    trace, whole = moved(lasso)
    assert (trace.evaluations, trace.steps, trace.passes[next(iter(trace.passes))]) == (3, 1, 1)
    assert len(trace.losses) == 1
    clean = moved(lambda _: 0.0)[1]
    assert whole != clean
    close(moved(lasso, without(Fit(0.5, 0.3, True, 1.0)))[1], clean)
    once = moved(lasso, without(None))[1]
    assert (torch.tensor(once) - torch.tensor(clean)).abs().max() > 1e-3


def test_only_the_last_pass_is_relieved(line):
    case = line(extra=ridge)

    def step():
        for _ in range(3):
            (case.model(case.inputs).square().mean() + ridge(case.weight)).backward()
        case.optimizer.step()

    case.step = step
    three = {case.weight: Term(3 * torch.tensor([[0.5, -1.0]]))}
    trace = probe(case).run(Plan(removed=three, passes={case.weight: 3}, watch=True))
    close(trace.raw(case.weight), [[0.0, -6.0]])
    assert trace.passes == {case.weight: 3}


def test_gradients_set_by_hand_are_one_pass(line):
    case = line()

    def step():
        case.weight.grad = torch.tensor([[3.0, 4.0]])
        case.optimizer.step()

    case.step = step
    trace, move = ran(case, Plan(watch=True))
    close(trace.raw(case.weight), [[3.0, 4.0]])
    assert trace.passes == {case.weight: 1}
    close(move, [[-0.3, -0.4]])
    removed = {case.weight: Term(torch.tensor([[3.0, 0.0]]))}
    close(ran(case, Plan(removed=removed, passes={case.weight: 1}))[1], [[0.0, -0.4]])


def test_a_recipes_part_is_left_out(line):
    case = line()
    bridle.attach(case.model, case.optimizer, bridle.Recipe(bridle.L2(0.5)))
    found = probe(case)
    assert found.handle is not None
    trace = found.run(Plan(watch=True))
    close(trace.seen[case.weight], DATA)
    close(trace.final[case.weight], [[0.5, -3.0]])
    other = line()
    bridle.attach(other.model, other.optimizer, bridle.Recipe(bridle.L2(0.5)))
    close(ran(other, Plan(left_out="penalty"))[1], [[0.0, 0.2]])


@pytest.mark.parametrize("given", [True, False])
def test_a_scalers_factor_is_multiplied(line, given):
    case, scaler = line(), torch.amp.GradScaler("cpu", init_scale=8.0)

    def step():
        scaler.scale(case.model(case.inputs).square().mean()).backward()
        scaler.step(case.optimizer)

    if given:
        scaler.scale(torch.ones(()))
    found = Probe(case.model, case.optimizer, step, [case.weight], [scaler])
    trace = found.run(Plan(watch=True, scale=0.5))
    assert trace.scale == 4.0
    close(trace.accumulated[case.weight], [[0.0, -8.0]])
    close(trace.raw(case.weight), DATA)


def test_nothing_stays_behind(line):
    case = line()
    found = probe(case)
    found.run(Plan(watch=True, silent=True, clips=False))
    assert found.runs == 1
    assert not case.optimizer._optimizer_step_pre_hooks
    assert not case.optimizer._optimizer_step_post_hooks
    assert not case.weight._post_accumulate_grad_hooks
    assert not case.model._forward_hooks
