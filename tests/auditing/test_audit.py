"""An audit of a whole step: the shares of the movement, the strengths, and everything put back."""

import copy
import math
import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD, Adagrad, Adam, AdamW, NAdam, Optimizer, RMSprop
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, TensorDataset

import bridle
from bridle.auditing.audit import audit
from bridle.errors import AuditError
from bridle.records import Audit, Severity
from bridle.records.serial import dumps, loads


def entries(found):
    return {entry.name: entry for entry in found.ledger.entries}


def l2(strength, names=("hidden.weight", "out.weight")):
    return lambda model: 0.5 * strength * sum(dict(model.named_parameters())[name].square().sum() for name in names)


def test_everything_is_as_before(training):
    case = training(lambda weights: Adam(weights, 0.01, weight_decay=0.1), penalty=l2(0.01), clip=0.1)
    case.step()
    before = [value.clone() for value in case.model.state_dict().values()]
    moments = [value.clone() for state in case.optimizer.state.values() for value in state.values()]
    gradients, random = [weight.grad.clone() for weight in case.model.parameters()], torch.get_rng_state()
    audit(case.model, case.optimizer, case.step)
    assert all(map(torch.equal, before, case.model.state_dict().values()))
    assert all(map(torch.equal, gradients, (weight.grad for weight in case.model.parameters())))
    after = [value for state in case.optimizer.state.values() for value in state.values()]
    assert all(map(torch.equal, moments, after))
    assert torch.equal(random, torch.get_rng_state())
    assert not case.optimizer._optimizer_step_pre_hooks
    assert not any(module._forward_hooks for module in case.model.modules())


class Whole(nn.Module):
    """Batch norm and dropout."""

    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(6, 8)
        self.norm = nn.BatchNorm1d(8)
        self.out = nn.Linear(8, 3)

    def forward(self, inputs):
        return self.out(nn.functional.dropout(self.norm(self.hidden(inputs)).relu(), 0.5, self.training))


def everything_at_once(make):
    """A step with all that a training may hold, and a function that gives copies of all of it."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Whole()
    optimizer = make(model.parameters())
    schedule = OneCycleLR(optimizer, 0.1, total_steps=50)
    scaler = torch.amp.GradScaler("cpu", init_scale=256.0, growth_interval=2)
    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    mean = {name: value.detach().clone() for name, value in model.state_dict().items()}
    own, numbers = torch.Generator().manual_seed(5), np.random.default_rng(6)
    counts = {"rows": 0}
    inputs, targets = torch.randn(16, 6, generator=own), torch.randint(0, 3, (16,), generator=own)

    def step():
        optimizer.zero_grad()
        shift = random.random() + np.random.rand() + numbers.random() + torch.rand((), generator=own)  # noqa: NPY002
        loss = cross_entropy(model(inputs + shift), targets) + l2(0.01, ("hidden.weight",))(model)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        scaler.step(optimizer)
        scaler.update()
        schedule.step()
        averaged.update_parameters(model)
        for name, value in model.state_dict().items():
            mean[name].mul_(0.5).add_(value, alpha=0.5) if value.is_floating_point() else mean[name].copy_(value)
        counts["rows"] += len(inputs)

    def held():
        states = [one.state_dict() for one in (model, optimizer, schedule, scaler, averaged)]
        gradients = [None if weight.grad is None else weight.grad for weight in model.parameters()]
        draws = [random.getstate(), np.random.get_state(), torch.get_rng_state()]  # noqa: NPY002
        draws += [own.get_state(), numbers.bit_generator.state]
        modes = [module.training for module in model.modules()]
        return copy.deepcopy([states, mean, counts, gradients, draws, modes])

    return model, optimizer, step, held


def same(one, other):
    if isinstance(one, torch.Tensor | np.ndarray):
        return one.dtype == other.dtype and bool((one == other).all())
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


MAKERS = {
    "momentum": lambda weights: SGD(weights, 0.05, momentum=0.9, weight_decay=1e-3),
    "adam": lambda weights: Adam(weights, 0.01, weight_decay=1e-3),
    "amsgrad": lambda weights: AdamW(weights, 0.01, amsgrad=True),
}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("trained", [0, 3])
def test_all_that_a_training_holds_is_as_before(name, trained):
    model, optimizer, step, held = everything_at_once(MAKERS[name])
    python, numpy, drawn = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    for _ in range(trained):
        step()
    before = held()
    found = audit(model, optimizer, step)
    assert same(before, held())
    assert found.ledger.noise == 0.0
    assert entries(found)["hidden.weight"].sources["loss"] == pytest.approx(0.01, rel=1e-3)
    assert found.ledger.scale == 256.0 * 2 ** (trained // 2)
    step()
    assert not same(before, held())
    twin = everything_at_once(MAKERS[name])
    random.setstate(python), np.random.set_state(numpy), torch.set_rng_state(drawn)  # noqa: NPY002
    for _ in range(trained + 1):
        twin[2]()
    assert same(twin[3]()[0], held()[0])  # the training goes on as if there had been no audit


def test_l2_in_the_loss(training):
    case = training(penalty=l2(0.03))
    found = entries(audit(case.model, case.optimizer, case.step))
    hidden = found["hidden.weight"]
    assert hidden.strength == pytest.approx(0.03, rel=1e-5)
    assert hidden.fit == pytest.approx(1.0)
    assert hidden.sources == {"loss": pytest.approx(0.03, rel=1e-5)}
    assert hidden.parts["penalty"].size == pytest.approx(0.1 * 0.03 * hidden.size, rel=1e-3)
    assert hidden.parts["penalty"].shrink == pytest.approx(0.1 * 0.03, rel=1e-3)
    assert sum(part.share for part in hidden.parts.values()) == pytest.approx(1.0, abs=1e-4)
    assert "penalty" not in found["hidden.bias"].parts
    assert math.isnan(found["hidden.bias"].strength)


OPTIMIZERS = {
    "sgd": (lambda weights: SGD(weights, 0.1, weight_decay=0.05), "coupled"),
    "momentum": (lambda weights: SGD(weights, 0.1, momentum=0.9, weight_decay=0.05), "coupled"),
    "adam": (lambda weights: Adam(weights, 0.01, weight_decay=0.05), "coupled"),
    "nadam": (lambda weights: NAdam(weights, 0.01, weight_decay=0.05), "coupled"),
    "rmsprop": (lambda weights: RMSprop(weights, 0.01, weight_decay=0.05), "coupled"),
    "adagrad": (lambda weights: Adagrad(weights, 0.01, weight_decay=0.05), "coupled"),
    "adamw": (lambda weights: AdamW(weights, 0.01, weight_decay=0.05), "decoupled"),
    "nadam, decoupled": (
        lambda weights: NAdam(weights, 0.01, weight_decay=0.05, decoupled_weight_decay=True),
        "decoupled",
    ),
    "none": (lambda weights: AdamW(weights, 0.01, weight_decay=0.0), "none"),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_form_of_the_decay_is_measured(training, name):
    make, form = OPTIMIZERS[name]
    case = training(make)
    for _ in range(3):
        case.step()
    found = audit(case.model, case.optimizer, case.step)
    hidden = entries(found)["hidden.weight"]
    assert found.ledger.form == form
    if form == "coupled":
        assert hidden.strength == pytest.approx(0.05, rel=1e-5)
        assert math.isnan(hidden.decay)
    elif form == "decoupled":
        assert hidden.decay == pytest.approx(0.05, rel=1e-2)
        assert hidden.decay_fit > 0.999
        assert math.isnan(hidden.strength)
    else:
        assert not {"penalty", "decay"} & set(hidden.parts)


def test_an_attached_recipe(training):
    case = training()
    recipe = bridle.Recipe(
        bridle.L2(0.03, scope={"names": "hidden.weight"}),
        bridle.L1(0.02, scope={"names": "out.weight"}),
        bridle.DecoupledDecay(0.5, scope={"names": "words.weight"}),
    )
    handle = bridle.attach(case.model, case.optimizer, recipe)
    found = entries(audit(case.model, case.optimizer, case.step))
    assert handle.step == 0
    assert found["hidden.weight"].sources == {"bridle": pytest.approx(0.03, rel=1e-5)}
    assert found["words.weight"].decay == pytest.approx(0.5, rel=1e-3)
    shrunk = found["out.weight"].parts["proximal"]
    assert shrunk.size == pytest.approx(0.1 * 0.02 * 24**0.5, rel=0.05)
    assert set(found["norm.weight"].parts) == {"data"}


def test_clipping_takes_the_penalty_with_it(training):
    case = training(penalty=l2(0.03), clip=0.05)
    hidden = entries(audit(case.model, case.optimizer, case.step))["hidden.weight"]
    norm = torch.stack([weight.grad.norm() for weight in stepped(training(penalty=l2(0.03)))]).norm()
    assert hidden.clip == pytest.approx(0.05 / float(norm), rel=1e-4)
    assert hidden.strength == pytest.approx(0.03 * hidden.clip, rel=1e-4)
    assert hidden.parts["clipping"].share < 0


def stepped(case):
    case.step()
    return list(case.model.parameters())


def test_changes_by_hand(training):
    def spoil(model):
        model.hidden.weight.grad.add_(model.hidden.weight.detach(), alpha=0.04)
        with torch.no_grad():
            model.out.weight.mul_(1 - 0.1 * 0.3)

    case = training(spoil=spoil)
    found = entries(audit(case.model, case.optimizer, case.step))
    assert found["hidden.weight"].sources == {"by hand": pytest.approx(0.04, rel=1e-3)}
    assert found["out.weight"].decay == pytest.approx(0.3, rel=1e-3)
    assert found["hidden.weight"].clip == 1.0


def test_biases_at_zero_show_their_strength(training):
    case = training(penalty=l2(0.03, ("hidden.bias",)))
    with torch.no_grad():
        case.model.hidden.bias.zero_()
    assert entries(audit(case.model, case.optimizer, case.step))["hidden.bias"].strength == pytest.approx(0.03)


def test_a_sum_of_losses_is_read_as_a_mean(training):
    case = training()

    def step():
        case.optimizer.zero_grad()
        loss = cross_entropy(case.model(case.words), case.targets, reduction="sum")
        (loss + l2(0.32)(case.model)).backward()
        case.optimizer.step()

    found = audit(case.model, case.optimizer, step)
    assert found.ledger.data_weight == 16.0
    assert entries(found)["hidden.weight"].strength == pytest.approx(0.02, rel=1e-4)


def test_weights_that_the_model_uses(training):
    case = training()
    case.model.extra = nn.Linear(2, 2)
    case.model.hidden.weight.requires_grad_(False)
    found = entries(audit(case.model, case.optimizer, case.step))
    assert found["extra.weight"].used is False
    assert found["hidden.weight"].used is True  # frozen, and used
    assert found["out.weight"].used is True


def test_weights_used_outside_of_modules_are_data(training):
    case = training()
    case.model.scale = nn.Parameter(torch.ones(()))

    def step():
        case.optimizer.zero_grad()
        cross_entropy(case.model.scale.exp() * case.model(case.words), case.targets).backward()
        case.optimizer.step()

    case.optimizer.add_param_group({"params": [case.model.scale]})
    found = audit(case.model, case.optimizer, step)
    assert set(entries(found)["scale"].parts) == {"data"}
    assert any("1 of the weights act on data outside" in note for note in found.ledger.notes)


def test_dropout_and_a_closure(training):
    case = training()
    case.model.norm = nn.Sequential(nn.LayerNorm(8), nn.Dropout(0.5))
    optimizer = SGD(case.model.parameters(), 0.1, weight_decay=0.01)

    def closure():
        optimizer.zero_grad()
        loss = cross_entropy(case.model(case.words), case.targets)
        loss.backward()
        return loss

    found = audit(case.model, optimizer, lambda: optimizer.step(closure))
    assert found.ledger.noise == 0.0
    assert entries(found)["hidden.weight"].strength == pytest.approx(0.01, rel=1e-4)


def test_a_step_that_takes_a_batch(training):
    case = training()
    loader = [(case.words[:8], case.targets[:8]), (case.words[8:], case.targets[8:])]

    def step(batch):
        case.optimizer.zero_grad()
        cross_entropy(case.model(batch[0]), batch[1]).backward()
        case.optimizer.step()
        batch[0].zero_()

    assert audit(case.model, case.optimizer, step, loader).ledger.noise == 0.0
    assert bool(case.words.any())
    with pytest.raises(AuditError, match="step takes an argument, the batch, and there is no loader"):
        audit(case.model, case.optimizer, step)
    with pytest.raises(AuditError, match="The loader gives no batch"):
        audit(case.model, case.optimizer, step, [])


def test_a_shuffled_loader_leaves_dropout_its_draws():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.5), nn.Linear(8, 3))
        rows = TensorDataset(torch.randn(16, 6), torch.randint(0, 3, (16,)))
    optimizer, loader = SGD(model.parameters(), 0.1), DataLoader(rows, batch_size=8, shuffle=True)

    def step(batch):
        optimizer.zero_grad()
        cross_entropy(model(batch[0]), batch[1]).backward()
        optimizer.step()

    before = torch.get_rng_state()
    found = audit(model, optimizer, step, loader)
    assert found.ledger.noise == 0.0
    assert not [finding for finding in found.findings if finding.name == "step_not_repeatable"]
    assert torch.equal(before, torch.get_rng_state())


def test_an_iterator_makes_steps_differ(training):
    case = training()
    batches = iter([(case.words[[row]], case.targets[[row]]) for row in range(16)] * 9)

    def step():
        words, targets = next(batches)
        case.optimizer.zero_grad()
        cross_entropy(case.model(words), targets).backward()
        case.optimizer.step()

    found = audit(case.model, case.optimizer, step)
    assert found.ledger.noise > 0.1
    assert "Two runs of the same step differ by" in found.ledger.notes[0]
    assert found.unrestored[0].startswith("The iterator 'batches'")


class Wrapper(Optimizer):
    """An optimizer around another, without hooks of its own, as some frameworks make them."""

    def __init__(self, optimizer):
        self.optimizer = optimizer

    param_groups = property(lambda self: self.optimizer.param_groups)
    state = property(lambda self: self.optimizer.state)

    def zero_grad(self, set_to_none=True):
        self.optimizer.zero_grad(set_to_none)

    def step(self, closure=None):
        return self.optimizer.step(closure)


def test_an_optimizer_around_another(training):
    case = training(lambda weights: Wrapper(AdamW(weights, 0.01, weight_decay=0.2)))
    found = audit(case.model, case.optimizer, case.step).ledger
    assert (found.optimizer, found.form) == ("AdamW", "decoupled")
    assert found.entries[0].decay == pytest.approx(0.2, rel=1e-4)
    assert not case.optimizer.state


def test_a_step_without_an_optimizer_step_is_refused(training):
    case = training()
    with pytest.raises(AuditError, match=r"The step never called SGD\.step\(\)"):
        audit(case.model, case.optimizer, lambda: cross_entropy(case.model(case.words), case.targets).backward())
    with pytest.raises(AuditError, match=r"audit\(...\) needs an optimizer of torch, or a list of them; got int"):
        audit(case.model, 3, case.step)


def test_what_does_not_belong_together_is_refused(training):
    case, other = training(), training()
    with pytest.raises(AuditError, match="The SGD holds none of the model's weights"):
        audit(case.model, other.optimizer, other.step)
    with pytest.raises(AuditError, match=r"needs a torch\.nn\.Module; got NoneType"):
        audit(None, case.optimizer, case.step)


def test_the_record_survives_json(training):
    case = training(lambda weights: Adam(weights, 0.01, weight_decay=0.1))
    found = audit(case.model, case.optimizer, case.step)
    assert found.findings
    assert dumps(loads(Audit, dumps(found))) == dumps(found)


def test_the_worst_finding_comes_first(training):
    case = training(lambda weights: AdamW(weights, 0.1, weight_decay=1.0))
    severities = [finding.severity for finding in audit(case.model, case.optimizer, case.step).findings]
    assert severities[0] is Severity.ERROR
    assert Severity.WARNING in severities
