"""The runs of a step with parts switched off, on a line whose gradients are known by hand."""

import itertools
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW

import bridle
from bridle.auditing.fits import Fit
from bridle.auditing.measure import Measurement
from bridle.auditing.probe import Probe
from bridle.auditing.trace import Plan
from bridle.auditing.undo import Undo
from bridle.errors import AuditError

NO_FITS = {"loss": {}, "by hand": {}}


def measured(case, others=()):
    weights = list(case.model.parameters())
    undo = Undo(case.model, case.optimizer, case.step)
    return Measurement(Probe(case.model, case.optimizer, case.step, weights, []), undo, others)


def close(value, expected):
    torch.testing.assert_close(torch.as_tensor(value), torch.as_tensor(expected))


def ridge(weight):
    return 0.25 * weight.square().sum()  # strength 0.5, gradient (0.5, -1)


def decaying(weights):
    return SGD(weights, 0.1, weight_decay=0.5)


def test_start_end_and_the_difference_of_a_plan(line):
    found = measured(case := line(extra=ridge))
    close(found.start[case.weight], [[1.0, -2.0]])
    close(found.end[case.weight], [[0.95, -1.7]])
    close(case.weight.detach(), [[1.0, -2.0]])
    assert found.noise == 0.0
    ((weight, effect),) = found.differences(Plan(silent=True))
    assert weight is case.weight
    close(effect, [[0.0, 0.2]])
    close(case.weight.detach(), [[1.0, -2.0]])


def test_a_run_from_other_weights(line):
    found = measured(case := line(extra=ridge))
    trace = found.trace(Plan(silent=True, watch=True), changed={case.weight: torch.tensor([[4.0, 4.0]])})
    close(trace.raw(case.weight), [[2.0, 2.0]])
    close(case.weight.detach(), [[1.0, -2.0]])


def test_penalties_by_where_they_are(line):
    def by_hand(weight):
        weight.grad.add_(torch.tensor([[3.0, 3.0]]))

    case = line(extra=ridge, before=by_hand)
    bridle.attach(case.model, case.optimizer, bridle.Recipe(bridle.L2(0.25)))
    found = measured(case)
    close(found.in_loss[case.weight], [[0.5, -1.0]])
    close(found.by_hand[case.weight], [[3.0, 3.0]])
    close(found.by_bridle[case.weight], [[0.25, -0.5]])
    clean = measured(line())
    assert (clean.in_loss, clean.by_hand, clean.by_bridle, clean.mixed) == ({}, {}, {}, set())


def test_weights_that_act_on_data_outside_of_modules(line):
    case = line()
    case.model.scale = nn.Parameter(torch.tensor(2.0))

    def step():
        case.optimizer.zero_grad()
        (case.model.scale * case.model(case.inputs).square().mean() + ridge(case.weight)).backward()
        case.optimizer.step()

    case.step = step
    found = measured(case)
    assert found.mixed == {case.model.scale}
    assert set(found.in_loss) == {case.weight}
    assert found.notes[-1].startswith("1 of the weights act on data outside of the model's modules")


def test_a_step_that_calls_no_module(line):
    case = line()

    def step():
        case.optimizer.zero_grad()
        ((case.inputs @ case.weight.T).square().mean() + ridge(case.weight)).backward()
        case.optimizer.step()

    case.step = step
    found = measured(case)
    assert found.mixed == {case.weight}
    assert found.notes == ["The step calls no module of the model, so that penalties in its loss are not told apart."]


class Halfway(SGD):
    """Decay with a noise of its own: neither a gradient nor a share of the weights."""

    @torch.no_grad()
    def step(self, closure=None):
        super().step(closure)
        for group in self.param_groups:
            for weight in group["params"]:
                if group["wd"]:
                    weight.sub_(torch.tensor([[0.3, 0.1]]))


def halfway(weights):
    optimizer = Halfway(weights, 0.1)
    optimizer.param_groups[0]["wd"] = 0.1
    return optimizer


FORMS = {
    "coupled": decaying,
    "decoupled": lambda weights: AdamW(weights, 0.1, weight_decay=0.5),
    "none": lambda weights: Adam(weights, 0.1),
    "unknown": halfway,
}


@pytest.mark.parametrize("form", FORMS)
def test_the_form_of_the_decay(line, form):
    found = measured(case := line(FORMS[form]))
    assert found.form == form
    assert found.declared == {case.weight: {"none": 0.0, "unknown": 0.1}.get(form, 0.5)}


def test_a_decay_below_rounding_has_an_unknown_form(line):
    assert measured(line(lambda weights: SGD(weights, 0.1, weight_decay=1e-12))).form == "unknown"


def test_the_decay_is_switched_off_once(line):
    found = measured(line(decaying))
    assert found.form == "coupled"
    runs = found.probe.runs
    ((_, effect),) = found.differences(found.without_decay)
    close(effect, [[-0.05, 0.1]])
    assert dict(found.plans(NO_FITS))["penalty"] is found.without_decay
    assert found.probe.runs == runs + 1  # the silent one


def test_a_clean_step_needs_no_run_with_halved_outputs(line):
    found = measured(line())
    runs = found.probe.runs
    assert found.mixed == set()
    assert found.probe.runs == runs + 1  # the silent one


def test_clipping(line):
    def clip(weight):
        nn.utils.clip_grad_norm_([weight], 0.5)
        weight.grad.add_(weight.detach(), alpha=0.25)

    found = measured(case := line(before=clip))
    assert found.clipped == {case.weight: pytest.approx(0.25)}
    assert measured(line()).clipped == {}


def test_what_the_steps_own_code_moves(line):
    @torch.no_grad()
    def shrink(weight):
        weight.mul_(0.9)

    @torch.no_grad()
    def shift(weight):
        weight.add_(0.5)

    def moves(**code):
        return [(name, move.tolist()) for name, _, move in measured(line(**code)).own_moves]

    assert moves() == []
    ((name, move),) = moves(before=shrink)
    assert name == "decay"
    close(move, [[-0.1, 0.2]])
    ((name, move),) = moves(after=shift)
    assert name == "proximal"
    close(move, [[0.5, 0.5]])


def test_a_bound_on_the_norms_of_rows_is_no_decay():
    model, inputs = nn.Linear(40, 8, bias=False), torch.ones(4, 40)
    optimizer = SGD(model.parameters(), 0.1)

    def step(rows):
        optimizer.zero_grad()
        model(inputs).square().mean().backward()
        optimizer.step()
        with torch.no_grad():
            model.weight.mul_(torch.full((8, 1), 0.5) if rows is None else rows)

    for rows, kind in ((None, "decay"), (torch.linspace(0.49, 0.51, 8)[:, None], "proximal")):
        case = SimpleNamespace(model=model, optimizer=optimizer, step=partial(step, rows))
        assert [name for name, *_ in measured(case).own_moves] == [kind]


def test_a_step_that_differs_each_time(line):
    sizes = itertools.count(1)

    def noisy(weight):
        weight.grad.mul_(next(sizes))

    found = measured(line(before=noisy))  # moves 0.2, then 0.4
    assert found.noise == pytest.approx(1.0)


def plans(found, fits=NO_FITS):
    return dict(found.plans(fits))


@pytest.mark.filterwarnings("ignore:.*decays by itself")
def test_the_parts_at_work(line):
    assert list(plans(measured(line()))) == ["data"]
    assert list(plans(measured(line(extra=ridge)))) == ["data", "penalty"]
    assert list(plans(measured(line(FORMS["decoupled"], extra=ridge)))) == ["data", "penalty", "decay"]
    clipped = line(before=lambda weight: nn.utils.clip_grad_norm_([weight], 0.5))
    assert list(plans(measured(clipped))) == ["data", "clipping"]
    case = line(decaying)
    bridle.attach(case.model, case.optimizer, bridle.Recipe(bridle.L1(0.25)))
    found = plans(measured(case))
    assert list(found) == ["data", "penalty", "decay", "proximal"]
    assert found["penalty"].no_decay
    assert not found["decay"].no_decay  # the optimizer's own is coupled, and a penalty
    assert (found["decay"].left_out, found["proximal"].left_out) == ("decay", "proximal")


def test_the_penalty_is_taken_out_where_it_is(line):
    found = measured(case := line(decaying, extra=ridge))
    fit = Fit(0.5, 0.0, True, 1.0)
    plan = plans(found, {"loss": {case.weight: fit}, "by hand": {}})["penalty"]
    close(plan.removed[case.weight].value, [[0.5, -1.0]])
    assert plan.removed[case.weight].fit == fit
    assert (plan.passes, plan.no_decay, plan.stripped) == ({case.weight: 1}, True, False)
    unknown = plans(found, {"loss": {case.weight: fit._replace(known=False)}, "by hand": {}})["penalty"]
    assert unknown.removed[case.weight].fit is None
    ((_, effect),) = found.differences(plan)
    close(effect, [[-0.1, 0.2]])


def test_several_evaluations_of_what_is_unknown_are_noted(line):
    case = line(extra=ridge)
    once = case.step
    case.step = lambda: (once(), once())
    found = measured(case)
    plans(found)
    assert found.notes[0].startswith("The step called SGD.step() 2 times")
    assert found.notes[1].startswith("The step evaluates the gradient 2 times. On 1 of the weights the loss has a part")
    known = measured(case)
    plans(known, {"loss": {case.weight: Fit(0.5, 0.0, True, 1.0)}, "by hand": {}})
    assert len(known.notes) == 1


def test_weights_of_others(line):
    case = line()
    case.model.bias = nn.Parameter(torch.zeros(1))
    case.model.still = nn.Parameter(torch.zeros(1))
    inner = case.step

    @torch.no_grad()
    def step():
        with torch.enable_grad():
            inner()
        case.model.bias.add_(1.0)

    case.step = step
    found = measured(case)
    assert found.notes == [
        "1 of the weights move though SGD does not hold them, by the step's own code or another optimizer. To take "
        "apart what each optimizer does, give all in a list."
    ]
    assert found.own_moves == []
    assert measured(case, [case.weight, case.model.bias]).notes == []


def test_no_step_is_refused(line):
    case = line()
    case.step = lambda: case.model(case.inputs).sum().backward()
    with pytest.raises(AuditError, match=r"The step never called SGD\.step\(\), so nothing moved"):
        measured(case)
