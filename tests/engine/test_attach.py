"""A recipe in a user's own loop: the same weights as the penalty written into the loss, whatever the loop does."""

import copy

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import LBFGS, SGD, Adadelta, Adagrad, Adam, AdamW, Muon, NAdam, RAdam, RMSprop, SparseAdam

import bridle
from bridle.core import Recipe
from bridle.engine.attach import attach
from bridle.errors import DialError, RecipeError, ScopeError
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import (
    L1,
    L2,
    MCP,
    SCAD,
    ElasticNet,
    GroupLasso,
    L2Start,
    Nuclear,
    Orthogonality,
    SparseGroupLasso,
)
from bridle.regularizers.terms import ActivationL1, ActivationL2, ConfidencePenalty
from bridle.regularizers.updates import SAM, DecoupledDecay, MaxNorm, SpectralStep

OPTIMIZERS = {
    "sgd": lambda w: SGD(w, 0.1),
    "momentum": lambda w: SGD(w, 0.05, momentum=0.9, dampening=0.5),
    "nesterov": lambda w: SGD(w, 0.05, momentum=0.9, nesterov=True),
    "sgd, fused": lambda w: SGD(w, 0.1, momentum=0.9, fused=True),
    "sgd, foreach": lambda w: SGD(w, 0.1, momentum=0.9, foreach=True),
    "adam": lambda w: Adam(w, 0.01),
    "adam, fused": lambda w: Adam(w, 0.01, fused=True),
    "adam, foreach": lambda w: Adam(w, 0.01, foreach=True),
    "adamw": lambda w: AdamW(w, 0.01, weight_decay=0.0),
    "nadam": lambda w: NAdam(w, 0.01),
    "radam": lambda w: RAdam(w, 0.01),
    "rmsprop": lambda w: RMSprop(w, 0.01),
    "adagrad": lambda w: Adagrad(w, 0.05),
    "adagrad, fused": lambda w: Adagrad(w, 0.05, fused=True),
    "adadelta": lambda w: Adadelta(w, 1.0),
}


@pytest.fixture
def problem():
    """Twelve batches of 16 rows with 6 columns in 3 classes, float64."""
    source = torch.Generator().manual_seed(3)
    inputs = torch.randn(12, 16, 6, generator=source, dtype=torch.float64)
    return list(zip(inputs, torch.randint(0, 3, (12, 16), generator=source), strict=True))


def net(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3)).double()


def train(model, optimizer, problem, extra=lambda _: 0.0, clip=0.0):
    for x, y in problem:
        optimizer.zero_grad()
        (cross_entropy(model(x), y) + extra(model)).backward()
        if clip:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
    return model


def matrices(model):
    return [weight for weight in model.parameters() if weight.ndim == 2]


def half_squares(model):
    return 0.05 * sum(weight.square().sum() for weight in matrices(model))


def same(one, other, **limits):
    for (name, weight), twin in zip(one.named_parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(weight, twin, msg=lambda text, name=name: f"{name}: {text}", **limits)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_l2_is_the_loss_term_under_every_optimizer(name, problem):
    ours, theirs = net(), net()
    optimizer = OPTIMIZERS[name](ours.parameters())
    attach(ours, optimizer, Recipe(L2(0.1)))
    train(ours, optimizer, problem)
    same(ours, train(theirs, OPTIMIZERS[name](theirs.parameters()), problem, half_squares), rtol=1e-10, atol=1e-12)
    assert not torch.equal(ours[0].weight, train(net(), OPTIMIZERS[name](net().parameters()), problem)[0].weight)


@pytest.mark.parametrize(
    "make", [lambda w, d: SGD(w, 0.1, momentum=0.9, weight_decay=d), lambda w, d: Adam(w, 0.01, weight_decay=d)]
)
def test_l2_on_all_weights_moves_as_torchs_own_weight_decay(make, problem):
    ours, theirs = net(), net()
    optimizer = make(ours.parameters(), 0.0)
    attach(ours, optimizer, Recipe(L2(0.1, scope="all")))
    for batch in problem:
        train(ours, optimizer, [batch])
    same(ours, train(theirs, make(theirs.parameters(), 0.1), problem), rtol=1e-10, atol=1e-12)


def test_muon_takes_gradient_penalties():
    weight = nn.Parameter(torch.eye(3))
    model = nn.ParameterDict({"weight": weight})
    optimizer = Muon(model.parameters(), 0.1, weight_decay=0.0)
    attach(model, optimizer, Recipe(L2(0.5)))
    weight.grad = torch.zeros(3, 3)
    optimizer.step()
    torch.testing.assert_close(weight.grad, 0.5 * torch.eye(3))
    with pytest.raises(RecipeError, match="none is known for Muon"):
        attach(model, Muon(model.parameters(), 0.1), Recipe(L1(0.5)))


def test_clipping_bounds_the_data_gradient_only(problem):
    """With all data gradients clipped to nothing, what is left is the penalty alone, at full strength."""
    ours = net()
    before = copy.deepcopy(ours)
    optimizer = SGD(ours.parameters(), 0.1)
    attach(ours, optimizer, Recipe(L2(0.1)))
    train(ours, optimizer, problem[:1], clip=1e-12)
    torch.testing.assert_close(ours[0].weight, (1 - 0.1 * 0.1) * before[0].weight, rtol=0, atol=1e-11)


def test_accumulating_gradients_adds_the_penalty_once(problem):
    ours, theirs = net(), net()
    optimizer = SGD(ours.parameters(), 0.1)
    attach(ours, optimizer, Recipe(L2(0.1)))
    for x, y in problem:
        optimizer.zero_grad()
        for part in range(4):
            rows = slice(4 * part, 4 * part + 4)
            (cross_entropy(ours(x[rows]), y[rows]) / 4).backward()
        optimizer.step()
    same(ours, train(theirs, SGD(theirs.parameters(), 0.1), problem, half_squares), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("by_name", [False, True])
def test_a_closure_does_not_wipe_the_penalty(by_name, problem):
    """``zero_grad`` stands in the closure, as Lightning and skorch have it."""
    ours, theirs = net(), net()
    optimizer = SGD(ours.parameters(), 0.1, momentum=0.9)
    attach(ours, optimizer, Recipe(L2(0.1)))
    for x, y in problem:

        def closure(x=x, y=y):
            optimizer.zero_grad()
            loss = cross_entropy(ours(x), y)
            loss.backward()
            return loss

        expected = cross_entropy(ours(x), y).detach()
        loss = optimizer.step(closure=closure) if by_name else optimizer.step(closure)
        assert torch.equal(loss, expected)  # the loss is the data's alone
    theirs = train(theirs, SGD(theirs.parameters(), 0.1, momentum=0.9), problem, half_squares)
    same(ours, theirs, rtol=1e-10, atol=1e-12)


class Overflowing(nn.Module):
    """Gives an infinite loss when told so."""

    def __init__(self):
        super().__init__()
        self.net = net().float()

    def forward(self, x, overflow):
        return self.net(x) * (float("inf") if overflow else 1.0)


def overflowing(make, recipe, problem, scaled, at):
    """Trained under a GradScaler with overflows at some steps, which must move nothing; or plainly without them."""
    model = Overflowing()
    optimizer = make(model.parameters())
    scaler = torch.amp.GradScaler("cpu", enabled=scaled, init_scale=1024.0, growth_interval=3)
    attach(model, optimizer, recipe)
    for number, (x, y) in enumerate(problem):
        overflow = number in at
        if overflow and not scaled:
            continue
        optimizer.zero_grad()
        scaler.scale(cross_entropy(model(x.float(), overflow), y)).backward()
        before = copy.deepcopy(model)
        scaler.step(optimizer)
        scaler.update()
        if overflow:
            same(model, before, rtol=0, atol=0)
    return model


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("kind", [SGD, Adam])
def test_a_grad_scaler_scales_the_penalty_with_the_rest_and_skips_with_it(kind, fused, problem):
    """Steps 0 and 5 overflow: they leave the weights alone, zeros and all; the others are those of a plain loop."""

    def run(scaled):
        recipe = Recipe(L1(0.05, scope="first_layer"), L2(0.3, scope="last_layer"))
        return overflowing(lambda w: kind(w, 0.01, fused=fused), recipe, problem, scaled, at=(0, 5))

    scaled, plain = run(scaled=True), run(scaled=False)
    same(scaled, plain, rtol=2e-5, atol=2e-6)
    assert (scaled.net[0].weight == 0).any()


def test_low_precision_weights_are_served_through_the_copies_that_the_optimizer_holds(problem):
    """The copies are those of a float32 training on the same gradients; the model gets them rounded."""
    model = net().bfloat16()
    copies = {name: weight.detach().float() for name, weight in model.named_parameters()}
    optimizer = SGD(copies.values(), 0.1)
    attach(model, optimizer, Recipe(L1(0.02, scope="first_layer"), L2(0.1, scope="last_layer")), copies=copies)
    by_hand = {name: value.clone() for name, value in copies.items()}
    for x, y in problem:
        model.zero_grad()
        cross_entropy(model(x.bfloat16()), y).backward()
        for name, weight in model.named_parameters():
            copies[name].grad = weight.grad.float()
            by_hand[name] -= 0.1 * (weight.grad.float() + (0.1 * by_hand[name] if name == "2.weight" else 0))
        by_hand["0.weight"] = nn.functional.softshrink(by_hand["0.weight"], 0.1 * 0.02)
        optimizer.step()
        with torch.no_grad():
            for name, weight in model.named_parameters():
                weight.copy_(copies[name])
    for name, value in by_hand.items():
        torch.testing.assert_close(copies[name], value, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_pure_low_precision_is_refused(dtype):
    model = net().to(dtype)
    with pytest.raises(RecipeError, match=r"l2 covers 0\.weight, which is torch\.\w+: most of what .*copies="):
        attach(model, SGD(model.parameters(), 0.1), Recipe(L2(0.1)))


def test_frozen_weights_stay_and_are_not_in_the_scope(problem):
    model = net()
    model[0].weight.requires_grad_(False)
    before = model[0].weight.clone()
    optimizer = SGD([weight for weight in model.parameters() if weight.requires_grad], 0.1)
    handle = attach(model, optimizer, Recipe(L2(0.1)))
    assert handle.scopes == {"l2": ["2.weight"]}
    train(model, optimizer, problem)
    assert torch.equal(model[0].weight, before)


def test_a_shared_weight_is_pulled_once():
    model = nn.ModuleDict({"one": nn.Linear(4, 4, bias=False), "two": nn.Linear(4, 4, bias=False)}).double()
    model["two"].weight = model["one"].weight
    optimizer = SGD(model.parameters(), 0.1)
    handle = attach(model, optimizer, Recipe(L2(0.5)))
    assert handle.scopes == {"l2": ["one.weight"]}
    before = model["one"].weight.detach().clone()
    (0 * model["two"](model["one"](torch.ones(1, 4, dtype=torch.float64))).sum()).backward()
    optimizer.step()
    torch.testing.assert_close(model["one"].weight, before * (1 - 0.05))


def test_each_parameter_group_has_its_own_learning_rate(problem):
    """The proximal step follows it: each layer is what its own loop of soft thresholding gives."""
    model = net()
    optimizer = SGD([{"params": model[0].parameters(), "lr": 0.2}, {"params": model[2].parameters(), "lr": 0.02}])
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 4, 0.5)
    attach(model, optimizer, Recipe(L1(0.05)))
    twin = net()
    for number, (x, y) in enumerate(problem):
        for one in (model, twin):
            one.zero_grad()
            cross_entropy(one(x), y).backward()
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            for layer, rate in ((twin[0], 0.2), (twin[2], 0.02)):
                rate *= 0.5 ** (number // 4)
                layer.bias -= rate * layer.bias.grad
                layer.weight.copy_(nn.functional.softshrink(layer.weight - rate * layer.weight.grad, rate * 0.05))
    same(model, twin, rtol=1e-10, atol=1e-12)


def test_a_scheduled_strength_follows_the_steps(problem):
    model, twin = net(), net()
    optimizer = SGD(model.parameters(), 0.1)
    attach(model, optimizer, Recipe(L2(bridle.schedule(0.0, 1.2, until=0.5))), steps=12)
    train(model, optimizer, problem)
    other = SGD(twin.parameters(), 0.1)
    for number, batch in enumerate(problem):
        strength = 1.2 * min(number / 6, 1.0)
        train(twin, other, [batch], lambda m, s=strength: s / 2 * sum(w.square().sum() for w in matrices(m)))
    same(model, twin, rtol=1e-10, atol=1e-12)


def test_a_strength_per_layer(problem):
    model, twin = net(), net()
    optimizer = SGD(model.parameters(), 0.1)
    attach(model, optimizer, Recipe(L2({"0": 0.5, "*": 0.01})))
    train(model, optimizer, problem)

    def extra(m):
        return 0.25 * m[0].weight.square().sum() + 0.005 * m[2].weight.square().sum()

    same(model, train(twin, SGD(twin.parameters(), 0.1), problem, extra), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("make", [lambda w: SGD(w, 0.1), lambda w: Adagrad(w, 0.1)])
def test_sparse_gradients_of_an_embedding_are_completed(make):
    """Rows that the batch lacks are pulled as well: the same weights as with dense gradients."""
    found = []
    for sparse in (False, True):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = nn.Embedding(10, 4, sparse=sparse).double()
        optimizer = make(model.parameters())
        attach(model, optimizer, Recipe(L2(0.3, scope="embeddings")))
        for rows in ([1, 2, 2], [0, 9, 4]):
            optimizer.zero_grad()
            model(torch.tensor(rows)).square().sum().backward()
            optimizer.step()
        found.append(model)
    same(found[0], found[1], rtol=1e-12, atol=1e-14)


def test_a_sparse_gradient_under_an_exact_penalty_shrinks_every_row():
    model = nn.Embedding(6, 2, sparse=True).double()
    before = model.weight.detach().clone()
    optimizer = SGD(model.parameters(), 0.1)
    attach(model, optimizer, Recipe(L1(0.5, scope="embeddings")))
    (0 * model(torch.tensor([3])).sum()).backward()
    optimizer.step()
    torch.testing.assert_close(model.weight.detach(), nn.functional.softshrink(before, 0.05))


@pytest.mark.filterwarnings("ignore:.*script_method:DeprecationWarning")  # of torch, in its compiler
def test_a_compiled_model_and_step_are_the_same(problem):
    model, twin = net(), net()
    compiled = torch.compile(model, backend="eager")
    optimizer = SGD(compiled.parameters(), 0.1)
    handle = attach(
        compiled, optimizer, Recipe(L1(0.02, scope={"names": "0.weight"}), L2(0.1, scope={"names": "2.weight"}))
    )
    assert handle.scopes == {"l1": ["0.weight"], "l2": ["2.weight"]}
    step = torch.compile(optimizer.step, backend="eager")
    for x, y in problem:
        optimizer.zero_grad()
        cross_entropy(compiled(x), y).backward()
        step()
    assert handle.step == 12
    other = SGD(twin.parameters(), 0.1)
    attach(twin, other, Recipe(L1(0.02, scope="first_layer"), L2(0.1, scope="last_layer")))
    same(model, train(twin, other, problem), rtol=1e-12, atol=1e-14)


def test_l2_to_the_start_is_of_the_weights_at_attach(problem, tmp_path):
    recipe = Recipe(L2Start(0.4))
    model, twin = net(), net()
    start = copy.deepcopy(model)
    optimizer = SGD(model.parameters(), 0.1)
    handle = attach(model, optimizer, recipe)
    assert handle.penalty() == 0.0
    train(model, optimizer, problem)

    def extra(m):
        return 0.2 * sum((w - w0).square().sum() for w, w0 in zip(matrices(m), matrices(start), strict=True))

    same(model, train(twin, SGD(twin.parameters(), 0.1), problem, extra), rtol=1e-10, atol=1e-12)
    assert handle.penalty() == pytest.approx(extra(model).item(), rel=1e-12)

    save_file(start.state_dict(), tmp_path / "start.safetensors")
    again = net(seed=5)
    handle = attach(
        again, SGD(again.parameters(), 0.1), Recipe(L2Start(0.4, checkpoint=str(tmp_path / "start.safetensors")))
    )
    assert handle.penalty() == pytest.approx(extra(again).item(), rel=1e-12)


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_stopped_and_resumed_training_gives_the_same_weights(kind, problem):
    recipe = Recipe(L1(bridle.schedule(0.0, 0.05), scope="first_layer"), L2Start(0.4, scope="last_layer"))
    whole = net()
    optimizer = kind(whole.parameters(), 0.05)
    attach(whole, optimizer, recipe, steps=12)
    train(whole, optimizer, problem)

    first = net()
    optimizer = kind(first.parameters(), 0.05)
    handle = attach(first, optimizer, recipe, steps=12)
    train(first, optimizer, problem[:5])
    saved = copy.deepcopy((first.state_dict(), optimizer.state_dict(), handle.state_dict()))
    second = net(seed=1)
    optimizer = kind(second.parameters(), 0.05)
    handle = attach(second, optimizer, recipe, steps=12)
    second.load_state_dict(saved[0])
    optimizer.load_state_dict(saved[1])
    handle.load_state_dict(saved[2])
    train(second, optimizer, problem[5:])
    same(second, whole, rtol=0, atol=0)
    assert handle.step == 12


def test_a_loaded_optimizer_brings_its_learning_rate(problem):
    """``load_state_dict`` makes new parameter groups; the proximal step reads the new ones."""
    model = net()
    optimizer = SGD(model.parameters(), 0.1)
    attach(model, optimizer, Recipe(L1(1.0)))
    optimizer.load_state_dict(SGD(net().parameters(), 1e-3).state_dict())
    before = model[0].weight.detach().clone()
    (0 * model(problem[0][0]).sum()).backward()
    optimizer.step()
    torch.testing.assert_close(model[0].weight.detach(), nn.functional.softshrink(before, 1e-3))


def test_gradient_only_gives_the_subgradient_and_no_zeros(problem):
    model, twin = net(), net()
    optimizer = RMSprop(model.parameters(), 0.01)
    attach(model, optimizer, Recipe(L1(0.1, gradient_only=True)))
    train(model, optimizer, problem)

    def extra(m):
        return 0.1 * sum(weight.abs().sum() for weight in matrices(m))

    same(model, train(twin, RMSprop(twin.parameters(), 0.01), problem, extra), rtol=1e-10, atol=1e-12)
    assert not (model[0].weight == 0).any()


def test_detached_it_acts_no_more(problem):
    model, twin = net(), net()
    optimizer = SGD(model.parameters(), 0.1)
    handle = attach(model, optimizer, Recipe(L2(0.1)))
    handle.detach()
    same(train(model, optimizer, problem), train(twin, SGD(twin.parameters(), 0.1), problem), rtol=0, atol=0)
    for use in (handle.penalty, handle.detach, lambda: handle.load_state_dict({"step": 1})):
        with pytest.raises(RecipeError, match=r"This handle was detached and acts on nothing any more"):
            use()
    attach(model, optimizer, Recipe(L2(0.1)))


def test_the_penalty_is_a_number_to_log():
    model = net()
    handle = attach(model, SGD(model.parameters(), 0.1), Recipe(L1(0.1), Orthogonality(0.5, scope="first_layer")))
    rows = model[0].weight.detach()
    gram = (rows @ rows.T - torch.eye(8)).square().sum() / 2
    expected = 0.1 * sum(w.detach().abs().sum() for w in matrices(model)) + 0.5 * gram
    assert handle.penalty() == pytest.approx(float(expected), rel=1e-12)


def test_denormal_weights_and_state_are_set_to_zero_every_hundred_steps():
    model = nn.Linear(2, 1, bias=False)
    optimizer = SGD(model.parameters(), 0.1, momentum=0.9)
    attach(model, optimizer, Recipe(L2(1e-4)))
    for _ in range(99):
        model.weight.grad = torch.zeros(1, 2)
        optimizer.step()
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[1e-35, 1e-5]]))
        optimizer.state[model.weight]["momentum_buffer"].fill_(1e-39)
    model.weight.grad = torch.zeros(1, 2)
    optimizer.step()
    assert model.weight[0, 0] == 0
    assert model.weight[0, 1] > 0
    assert (optimizer.state[model.weight]["momentum_buffer"][0, 0] == 0).all()


def twice(model):
    optimizer = SGD(model.parameters(), 0.1)
    attach(model, optimizer, Recipe(L2(0.1)))
    attach(model, optimizer, Recipe(L1(0.1)))


BAD = {
    "no weight matches": (
        lambda m: attach(m, SGD(m.parameters(), 0.1), Recipe(L2(0.1, scope={"names": "head.*"}))),
        ScopeError,
        r"l2 with scope .* matches no weight\. The model has: 0\.weight \(matrices\)",
    ),
    "negative": (lambda _: L2(-1), DialError, r"L2\.strength must lie in \[0, inf\); got -1"),
    "infinite": (lambda _: L2(float("inf")), DialError, r"L2\.strength must lie in \[0, inf\); got inf"),
    "nan": (lambda _: L1(float("nan")), DialError, r"L1\.strength must lie in \[0, inf\); got nan"),
    "another model's optimizer": (
        lambda m: attach(m, SGD(net().parameters(), 0.1), Recipe(L2(0.1))),
        RecipeError,
        r"The SGD holds none of the model's parameters\. Was it made for another model",
    ),
    "an optimizer of other layers": (
        lambda m: attach(m, SGD(m[2].parameters(), 0.1), Recipe(L2(0.1, scope="first_layer"))),
        RecipeError,
        r"l2 covers 0\.weight, none of which the SGD holds: it would be without effect",
    ),
    "twice": (twice, RecipeError, r"This SGD has a recipe attached already: .* Call handle\.detach\(\) first"),
    "lbfgs": (lambda m: attach(m, LBFGS(m.parameters()), Recipe(L2(0.1))), RecipeError, r"LBFGS evaluates its closure"),
    "sparse adam": (
        lambda m: attach(m, SparseAdam(m.parameters()), Recipe(L2(0.1))),
        RecipeError,
        r"SparseAdam takes sparse gradients only",
    ),
    "maximize": (
        lambda m: attach(m, Adam(m.parameters(), maximize=True), Recipe(L2(0.1))),
        RecipeError,
        r"Adam\(maximize=True\) turns a penalty into a reward",
    ),
    "another kind": (
        lambda m: attach(m, SGD(m.parameters(), 0.1), Recipe(Dropout(0.5))),
        RecipeError,
        r"attach\(\.\.\.\) applies penalties, loss terms and update rules; dropout is none of these",
    ),
    "nothing": (lambda m: attach(m, SGD(m.parameters(), 0.1), Recipe()), RecipeError, r"this one is empty"),
    "a space": (
        lambda m: attach(m, SGD(m.parameters(), 0.1), Recipe(L2(bridle.between(1e-5, 1e-2)))),
        RecipeError,
        r"needs a value for every dial; free are l2\.strength",
    ),
    "a schedule without an end": (
        lambda m: attach(m, SGD(m.parameters(), 0.1), Recipe(L2({"*": bridle.schedule(0, 1)}))),
        RecipeError,
        r"l2 follows a schedule over the training: say how long that is with attach\(\.\.\., steps=\.\.\.\)",
    ),
    "no steps": (
        lambda m: attach(m, SGD(m.parameters(), 0.1), Recipe(L2(0.1)), steps=0),
        RecipeError,
        r"attach\(steps=\.\.\.\) must be a whole number of optimizer steps, 1 or more; got 0",
    ),
    "a layer without a value": (
        lambda m: attach(m, SGD(m.parameters(), 0.1), Recipe(L2({"0": 0.1}))),
        RecipeError,
        r'l2\.strength names no value for 2\.weight, which is in its scope; it names 0\. Add "\*" for all others',
    ),
    "unknown copies": (
        lambda m: attach(m, SGD(m.parameters(), 0.1), Recipe(L2(0.1)), copies={"head": torch.zeros(1)}),
        RecipeError,
        r"copies names head; the model has 0\.weight",
    ),
    "one step for all": (
        lambda m: attach(m, Adam(m.parameters()), Recipe(Nuclear(0.1))),
        RecipeError,
        r"nuclear has no exact step under Adam",
    ),
    "two exact ones": (
        lambda m: attach(m, SGD(m.parameters(), 0.1), Recipe(L1(0.1), GroupLasso(0.1))),
        RecipeError,
        r"l1 and group_lasso both make exact zeros on 0\.weight",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_name(case):
    call, error, message = BAD[case]
    with pytest.raises(error, match=message):
        call(net())


def test_complex_and_integer_weights_are_refused():
    model = nn.ParameterDict({"spectrum": nn.Parameter(torch.zeros(2, 2, dtype=torch.complex64))})
    with pytest.raises(RecipeError, match=r"l2 covers spectrum, which is torch\.complex64; this is for real weights"):
        attach(model, SGD(model.parameters(), 0.1), Recipe(L2(0.1)))
    model = nn.Linear(2, 1)
    model.counts = nn.Parameter(torch.zeros(2, 2, dtype=torch.int64), requires_grad=False)
    with pytest.raises(ScopeError, match=r"matches no weight\. .*counts is torch\.int64 and cannot be trained"):
        attach(model, SGD(model.parameters(), 0.1), Recipe(L2(0.1, scope={"names": "counts"})))


def test_a_checkpoint_that_does_not_fit_is_refused(tmp_path):
    model = net()
    optimizer = SGD(model.parameters(), 0.1)
    file = tmp_path / "start.safetensors"
    recipe = Recipe(L2Start(0.1, checkpoint=str(file)))
    with pytest.raises(RecipeError, match=r"l2_start\.checkpoint must be a safetensors file .* cannot be read"):
        attach(model, optimizer, recipe)
    save_file({"0.weight": torch.zeros(8, 5)}, file)
    with pytest.raises(RecipeError, match=r"holds 0\.weight as \(8, 5\); the model has \(8, 6\)"):
        attach(model, optimizer, recipe)
    save_file({"0.weight": torch.zeros(8, 6)}, file)
    with pytest.raises(RecipeError, match=r"has no 2\.weight; it has 0\.weight"):
        attach(model, optimizer, recipe)


def test_the_state_of_another_handle_is_refused():
    model = net()
    handle = attach(model, SGD(model.parameters(), 0.1), Recipe(L2Start(0.1)))
    with pytest.raises(RecipeError, match=r"needs a step, and starting points for l2_start/0\.weight, .*; got step"):
        handle.load_state_dict({"step": 3})


def test_what_acts_twice_is_reported():
    model = net()
    optimizer = SGD(model.parameters(), 0.1, weight_decay=0.01)
    recipe = Recipe(L2(0.1), ElasticNet(0.1, 0.1, scope="last_layer"))
    with pytest.warns(UserWarning, match="act") as seen:
        handle = attach(model, optimizer, recipe)
    assert [finding.name for finding in handle.findings] == ["penalty_twice", *["penalty_and_weight_decay"] * 2]
    assert [str(item.message) for item in seen] == [finding.message for finding in handle.findings]
    assert {item.filename for item in seen} == {__file__}
    assert "l2 and elastic_net both act on 2.weight: their strengths add up there" in handle.findings[0].message
    assert (
        "l2 acts on 0.weight and 1 more, which SGD decays by itself with weight_decay = 0.01"
        in handle.findings[1].message
    )


def test_weights_in_scope_that_the_optimizer_does_not_hold_are_reported():
    model = net()
    with pytest.warns(UserWarning, match=r"l2 covers 2\.weight, which this SGD does not hold: it does not act there"):
        handle = attach(model, SGD(model[0].parameters(), 0.1), Recipe(L2(0.1)))
    assert handle.scopes == {"l2": ["0.weight"]}


def closing(model, optimizer, x, y, extra=lambda: 0.0):
    def closure():
        optimizer.zero_grad()
        loss = cross_entropy(model(x), y) + extra()
        loss.backward()
        return loss

    return closure


def test_loss_terms_are_added_by_the_loop(problem):
    model, twin = net(), net()
    optimizer = SGD(model.parameters(), 0.1)
    handle = attach(model, optimizer, Recipe(ActivationL2(0.3, scope={"names": "0"}), ConfidencePenalty(0.2)))
    for x, y in problem:
        optimizer.zero_grad()
        (cross_entropy(model(x), y) + handle.terms()).backward()
        optimizer.step()
    other = SGD(twin.parameters(), 0.1)
    for x, y in problem:
        other.zero_grad()
        hidden = twin[0](x)
        logits = twin[2](hidden.tanh())
        chances = logits.softmax(1)
        entropy = -(chances * chances.log()).sum(1)
        extra = 0.15 * hidden.square().sum(1) + 0.2 * (torch.log(torch.tensor(3.0)) - entropy)
        (cross_entropy(logits, y) + extra.mean()).backward()
        other.step()
    same(model, twin, rtol=1e-9, atol=1e-11)


def test_terms_that_are_declared_and_never_added_are_an_error(problem):
    model = net()
    optimizer = SGD(model.parameters(), 0.1)
    handle = attach(model, optimizer, Recipe(ConfidencePenalty(0.2)))
    x, y = problem[0]
    (cross_entropy(model(x), y) + handle.terms()).backward()
    optimizer.step()
    cross_entropy(model(x), y).backward()
    message = r"confidence_penalty was declared and never added to the loss\. Write loss = loss \+ handle\.terms\(\)"
    with pytest.raises(RecipeError, match=message):
        optimizer.step()
    handle.detach()
    optimizer.step()
    with pytest.raises(RecipeError, match="This handle was detached"):
        handle.terms()


@pytest.mark.parametrize("by_closure", [False, True])
def test_decoupled_decay_is_that_of_adamw(by_closure, problem):
    model, twin = net(), net()
    optimizer = Adam(model.parameters(), 0.01)
    attach(model, optimizer, Recipe(DecoupledDecay(0.3, scope="all")))
    for x, y in problem:
        if by_closure:
            optimizer.step(closing(model, optimizer, x, y))
        else:
            train(model, optimizer, [(x, y)])
    same(model, train(twin, AdamW(twin.parameters(), 0.01, weight_decay=0.3), problem), rtol=1e-10, atol=1e-12)


def test_sam_takes_the_closure_twice_and_leaves_penalties_and_terms_right(problem):
    """Against the textbook loop: climb on the gradient of loss and term, take it there, come back, add the penalty."""
    model, twin = net(), net()
    optimizer = SGD(model.parameters(), 0.1)
    recipe = Recipe(SAM(0.1), L2(0.2), ConfidencePenalty(0.2))
    handle = attach(model, optimizer, recipe)
    calls = []
    for x, y in problem:
        optimizer.step(closing(model, optimizer, x, y, lambda: calls.append(1) or handle.terms()))
    assert len(calls) == 2 * len(problem)
    for x, y in problem:

        def slopes(x=x, y=y):
            logits = twin(x)
            chances = logits.softmax(1)
            confidence = torch.log(torch.tensor(3.0)) + (chances * chances.log()).sum(1)
            return torch.autograd.grad(cross_entropy(logits, y) + 0.2 * confidence.mean(), list(twin.parameters()))

        with torch.no_grad():
            before = [weight.clone() for weight in twin.parameters()]
        first = slopes()
        length = torch.stack([slope.norm() for slope in first]).norm()
        with torch.no_grad():
            for weight, slope in zip(twin.parameters(), first, strict=True):
                weight.add_(slope, alpha=float(0.1 / length))
        second = slopes()
        with torch.no_grad():
            for weight, old, slope in zip(twin.parameters(), before, second, strict=True):
                weight.copy_(old - 0.1 * (slope + (0.2 * old if old.ndim > 1 else 0)))
    same(model, twin, rtol=1e-7, atol=1e-9)


def test_sam_without_a_closure_is_an_error(problem):
    model = net()
    optimizer = SGD(model.parameters(), 0.1)
    attach(model, optimizer, Recipe(SAM(0.1)))
    with pytest.raises(RecipeError, match=r"sam takes the gradient twice in a step, so it needs optimizer\.step\(clos"):
        train(model, optimizer, problem[:1])


@pytest.mark.parametrize("fused", [False, True])
def test_update_rules_under_a_grad_scaler(fused, problem):
    """They see plain gradients, and a skipped step leaves the weights as they were."""

    def run(scaled):
        recipe = Recipe(MaxNorm(0.6), DecoupledDecay(0.2), L1(0.02, scope="first_layer"))
        # Not at step 0: a fused SGD of torch's skips making its momentum then.
        return overflowing(lambda w: SGD(w, 0.05, momentum=0.9, fused=fused), recipe, problem, scaled, at=(2, 5))

    same(run(scaled=True), run(scaled=False), rtol=2e-5, atol=2e-6)


def test_an_update_rule_per_layer(problem):
    model, twin = net(), net()
    optimizer = SGD(model.parameters(), 0.1)
    attach(model, optimizer, Recipe(DecoupledDecay({"0": 0.5, "2": 0.1})))
    train(model, optimizer, problem)
    groups = [
        {"params": [twin[0].weight], "weight_decay": 0.5},
        {"params": [twin[2].weight], "weight_decay": 0.1},
        {"params": [twin[0].bias, twin[2].bias], "weight_decay": 0.0},
    ]
    same(model, train(twin, SGD(groups, 0.1), problem), rtol=1e-10, atol=1e-12)  # under SGD the two are the same


def test_a_loss_term_per_layer(problem):
    model = net()
    optimizer = SGD(model.parameters(), 0.1)
    scope = {"names": ["0", "2"]}
    handle = attach(model, optimizer, Recipe(ActivationL1({"0": 0.5, "*": 0.1}, scope=scope)))
    x, _ = problem[0]
    hidden = model[0](x)
    model(x)
    expected = 0.5 * hidden.abs().sum(1).mean() + 0.1 * model[2](hidden.tanh()).abs().sum(1).mean()
    torch.testing.assert_close(handle.terms(), expected)


@pytest.mark.parametrize("kind", [SGD, Adam, NAdam, RAdam, RMSprop, Adagrad])
@pytest.mark.parametrize(
    "penalty", [L1(0.1), ElasticNet(0.1, 0.1), GroupLasso(0.1), SparseGroupLasso(0.1, 0.1), MCP(0.1)]
)
def test_a_learning_rate_of_zero_moves_nothing(penalty, kind):
    """As at the end of a cosine schedule; a weight that is zero already does not drag its group along."""
    model = net()
    with torch.no_grad():
        model[0].weight[0, 0] = 0
    optimizer = kind(model.parameters(), lr=0.1)
    optimizer.param_groups[0]["lr"] = 0.0
    before = copy.deepcopy(model)
    attach(model, optimizer, Recipe(penalty))
    train(model, optimizer, [(torch.ones(4, 6, dtype=torch.float64), torch.tensor([0, 1, 2, 0]))])
    same(model, before, rtol=0, atol=0)


@pytest.mark.parametrize("kind", [SGD, Adam, RMSprop])
@pytest.mark.parametrize("penalty", [L1(0.1), GroupLasso(0.1), SparseGroupLasso(0.1, 0.1), MCP(0.1), SCAD(0.1)])
def test_a_weight_that_is_no_number_is_not_taken_for_a_zero(penalty, kind):
    model = nn.Linear(3, 2, bias=False)
    optimizer = kind(model.parameters(), lr=0.1)
    attach(model, optimizer, Recipe(penalty))
    model.weight.grad = torch.tensor([[float("nan"), 1.0, 1.0], [1.0, 1.0, 1.0]])
    optimizer.step()
    assert model.weight[0, 0].isnan()


def test_blocks_of_a_large_weight_are_the_whole():
    """A weight of more than 2^18 entries is shrunk block by block under Adam."""
    source = torch.Generator().manual_seed(0)
    values, slopes = torch.randn(2, 600, 500, generator=source)
    model = nn.ParameterDict({"weight": nn.Parameter(values.clone())})
    optimizer = Adam(model.parameters(), 0.1)
    attach(model, optimizer, Recipe(L1(0.5)))
    twin = nn.Parameter(values.clone())
    other = Adam([twin], 0.1)
    for _ in range(2):
        model["weight"].grad, twin.grad = slopes.clone(), slopes.clone()
        optimizer.step()
        other.step()
        state = other.state[twin]
        length = 0.1 / ((state["exp_avg_sq"] / (1 - 0.999 ** state["step"].item())).sqrt() + 1e-8)
        with torch.no_grad():
            twin.copy_(twin.sign() * (twin.abs() - 0.5 * length).clamp(min=0))
    torch.testing.assert_close(model["weight"].detach(), twin.detach(), rtol=1e-5, atol=1e-6)
    assert (twin == 0).any()


@pytest.mark.filterwarnings("ignore:Sparse invariant checks:UserWarning")  # of torch, at its first sparse tensor
def test_a_large_sparse_embedding_under_adagrad():
    model = nn.Embedding(40_000, 8, sparse=True)
    optimizer = Adagrad(model.parameters(), 0.1)
    attach(model, optimizer, Recipe(L1(1e-4, scope="embeddings")))
    model(torch.tensor([5])).sum().backward()
    optimizer.step()
    assert model.weight[5].abs().sum() > 0


def test_weights_that_come_later_are_not_left_out_in_silence(problem):
    message = r"The SGD trains other weights than when the recipe was attached .* Call handle\.detach\(\)"
    model, extra = net(), nn.Linear(2, 2)
    optimizer = SGD(model.parameters(), 0.1)
    attach(model, optimizer, Recipe(L2(0.1)))
    optimizer.add_param_group({"params": extra.parameters()})
    with pytest.raises(RecipeError, match=message):
        train(model, optimizer, problem[:1])
    model = net()
    model[0].weight.requires_grad_(False)
    optimizer = SGD(model.parameters(), 0.1)
    attach(model, optimizer, Recipe(L2(0.1)))
    train(model, optimizer, problem[:1])
    model[0].weight.requires_grad_(True)
    with pytest.raises(RecipeError, match=message):
        train(model, optimizer, problem[:1])


def test_weights_made_small_after_attaching_are_refused():
    model = net()
    optimizer = SGD(model.parameters(), 0.1)
    attach(model, optimizer, Recipe(L2(0.1)))
    model.to(torch.bfloat16)
    model[0].weight.grad = torch.zeros_like(model[0].weight)
    with pytest.raises(RecipeError, match=r"l2 covers 0\.weight, which is torch\.bfloat16"):
        optimizer.step()


def test_update_rules_refuse_low_precision_and_take_copies(problem):
    model = net().bfloat16()
    with pytest.raises(RecipeError, match=r"decoupled_decay covers 0\.weight, which is torch\.bfloat16"):
        attach(model, SGD(model.parameters(), 0.1), Recipe(DecoupledDecay(0.1)))
    copies = {name: weight.detach().float() for name, weight in model.named_parameters()}
    optimizer = SGD(copies.values(), 0.1)
    handle = attach(model, optimizer, Recipe(DecoupledDecay(0.5)), copies=copies)
    before = copies["0.weight"].clone()
    for value in copies.values():
        value.grad = torch.zeros_like(value)
    optimizer.step()
    torch.testing.assert_close(copies["0.weight"], before * 0.95)
    with pytest.raises(RecipeError, match=r"these have copies, which it does not serve"):
        handle.settle(lambda: cross_entropy(model(problem[0][0].bfloat16()), problem[0][1]))
    wrong = {"0.weight": torch.zeros(3, 3)}
    with pytest.raises(RecipeError, match=r"copies\['0\.weight'\] has shape \(3, 3\); the weight has \(8, 6\)"):
        attach(model, SGD(wrong.values(), 0.1), Recipe(L2(0.1)), copies=wrong)


def test_small_second_moments_are_not_taken_for_denormals():
    """With gradients of 1e-16 Adam's mean squares are 1e-32; zeroing them would make its steps explode."""
    model, twin = nn.Linear(2, 1, bias=False), nn.Linear(2, 1, bias=False)
    twin.load_state_dict(model.state_dict())
    optimizer, other = Adam(model.parameters(), 1e-3, eps=1e-20), Adam(twin.parameters(), 1e-3, eps=1e-20)
    attach(model, optimizer, Recipe(L2(0.0)))
    for step in range(205):
        for one, moved in ((model, optimizer), (twin, other)):
            one.weight.grad = torch.full((1, 2), 1e-16 * (1 + step % 3))
            moved.step()
    same(model, twin, rtol=0, atol=0)


def test_sam_puts_the_weights_back_when_the_second_pass_fails(problem):
    model = net()
    before = copy.deepcopy(model)
    optimizer = SGD(model.parameters(), 0.1)
    attach(model, optimizer, Recipe(SAM(0.5)))
    calls = []

    def closure():
        calls.append(1)
        if len(calls) == 2:
            raise MemoryError("full")
        return closing(model, optimizer, *problem[0])()

    with pytest.raises(MemoryError, match="full"):
        optimizer.step(closure)
    same(model, before, rtol=0, atol=0)


def test_where_warnings_are_errors_nothing_stays_attached(problem):
    model = net()
    optimizer = SGD(model.parameters(), 0.1, weight_decay=0.1)
    with pytest.raises(UserWarning, match="decays by itself"):  # they are errors in these tests
        attach(model, optimizer, Recipe(L2(0.1)))
    twin = train(net(), SGD(net().parameters(), 0.1), [])
    other = SGD(twin.parameters(), 0.1, weight_decay=0.1)
    same(train(model, optimizer, problem), train(twin, other, problem), rtol=0, atol=0)


def test_settling_where_gradients_share_memory_and_weights_are_frozen():
    model = nn.ParameterDict(
        {name: nn.Parameter(torch.full((3, 2), value)) for name, value in (("a", 1.0), ("b", 0.5))}
    )
    model["frozen"] = nn.Parameter(torch.ones(3, 2), requires_grad=False)
    optimizer = SGD(model.parameters(), 0.1)
    handle = attach(model, optimizer, Recipe(L2(1.0)))
    handle.settle(lambda: (model["a"] + model["b"] - 3 * model["frozen"]).square().sum() / 2, 500)
    torch.testing.assert_close(model["a"].detach(), torch.ones(3, 2), rtol=0, atol=1e-5)
    torch.testing.assert_close(model["b"].detach(), torch.ones(3, 2), rtol=0, atol=1e-5)
    assert model["a"].grad is None


def test_settling_refuses_a_bound_on_the_weights(problem):
    model = net()
    handle = attach(model, SGD(model.parameters(), 0.1), Recipe(L1(0.1), MaxNorm(0.5)))
    with pytest.raises(RecipeError, match=r"max_norm keeps weights within a bound, which the closing phase"):
        handle.settle(lambda: cross_entropy(model(problem[0][0]), problem[0][1]))


def test_the_residual_of_a_penalty_with_a_start_is_that_of_the_handle(problem):
    x, y = problem[0]
    model = net()
    optimizer = SGD(model.parameters(), 0.1)
    handle = attach(model, optimizer, Recipe(L2Start(1.0)))
    train(model, optimizer, problem)
    start = net()

    def loss():
        return cross_entropy(model(x), y)

    slopes = torch.autograd.grad(loss(), list(model.parameters()))
    whole = [
        slope + (weight - old if weight.ndim > 1 else 0)
        for slope, weight, old in zip(slopes, model.parameters(), start.parameters(), strict=True)
    ]
    expected = max(slope.abs().max().item() for slope in whole)
    assert handle.kkt_residual(loss) == pytest.approx(expected, rel=1e-12)
    with pytest.raises(RecipeError, match=r"l2_start pulls to where .*handle\.kkt_residual\(loss\)"):
        bridle.kkt_residual(model, Recipe(L2Start(1.0)), loss)
    with pytest.raises(RecipeError, match=r"needs a value for every dial; free are l2\.strength"):
        bridle.kkt_residual(model, Recipe(L2(bridle.between(0, 1))), loss)


def test_a_residual_that_is_no_number_is_said():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    x = torch.ones(3, 2)

    def loss():
        return model[0](x).square().mean() + (model[1].weight * float("nan")).sum()

    assert bridle.kkt_residual(torch.compile(model, backend="eager"), Recipe(L2(0.1)), loss) != 0.0
    assert torch.tensor(bridle.kkt_residual(model, Recipe(L2(0.1)), loss)).isnan()


def test_after_resuming_the_penalty_is_at_its_place_on_the_schedule():
    model = net()
    handle = attach(model, SGD(model.parameters(), 0.1), Recipe(L2(bridle.schedule(0.0, 1.0))), steps=100)
    assert handle.penalty() == 0.0
    handle.load_state_dict({"step": 50, "start": {}})
    assert handle.penalty() == pytest.approx(0.25 * sum(w.detach().square().sum().item() for w in matrices(model)))


def test_decoupled_decay_on_top_of_the_optimizers_own_is_reported():
    model = net()
    with pytest.warns(UserWarning, match=r"decoupled_decay acts on 0\.weight and 1 more, which AdamW decays by itself"):
        attach(model, AdamW(model.parameters()), Recipe(DecoupledDecay(0.1)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((net(), "adam", Recipe(L2(0.1))), r"takes as optimizer a Optimizer; got str"),
        ((net(), SGD(net().parameters(), 0.1), L2(0.1)), r"takes as recipe a Recipe; got L2"),
        (
            (net().parameters(), SGD(net().parameters(), 0.1), Recipe(L2(0.1))),
            r"takes as model a Module; got generator",
        ),
    ],
)
def test_arguments_of_another_kind_are_refused(arguments, message):
    with pytest.raises(RecipeError, match=message):
        attach(*arguments)


@pytest.mark.parametrize(
    "item",
    [
        *(
            cls(0.1, scope="all")
            for cls in (L1, L2, GroupLasso, MCP, SCAD, Nuclear, Orthogonality, MaxNorm, SpectralStep)
        ),
        ElasticNet(0.1, 0.1, scope="all"),
        Orthogonality(0.1, form="cosines", scope="all"),
    ],
)
def test_a_single_number_is_a_weight_too(item):
    model = nn.ParameterDict({"scale": nn.Parameter(torch.tensor(2.0)), "row": nn.Parameter(torch.ones(3))})
    optimizer = SGD(model.parameters(), 0.1)
    handle = attach(model, optimizer, Recipe(item))
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)
    optimizer.step()
    assert all(weight.isfinite().all() for weight in model.parameters())
    assert model["scale"].shape == ()
    assert handle.penalty() >= 0


@pytest.mark.parametrize(
    "item", [GroupLasso(0.1), SparseGroupLasso(0.1, 0.1), Nuclear(0.1), Orthogonality(0.1), MaxNorm(1.0)]
)
def test_the_axes_of_a_transposed_convolution_are_not_mistaken(item):
    model = nn.Sequential(nn.Conv2d(2, 3, 2), nn.ConvTranspose2d(3, 5, 2))
    message = rf"{item.key} tells neurons from inputs by the axes of a weight, .* in 1\.weight of a ConvTranspose2d"
    with pytest.raises(RecipeError, match=message):
        attach(model, SGD(model.parameters(), 0.1), Recipe(item))
    attach(model, SGD(model.parameters(), 0.1), Recipe(L1(0.1), MaxNorm(1.0, scope="first_layer")))
