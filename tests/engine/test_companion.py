"""A whole recipe beside a loop of somebody else's: every kind acts as declared, and nothing else."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss
from torch.optim import SGD, Adam

from bridle.core import Draws, Place, Recipe, schedule
from bridle.engine.companion import Companion
from bridle.engine.evaluate import with_weights
from bridle.errors import DataError, RecipeError
from bridle.regularizers.augment import Brightness, FeatureNoise, HorizontalFlip, Mixup
from bridle.regularizers.averaging import EMA
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L1, L2
from bridle.regularizers.stopping import EarlyStopping
from bridle.regularizers.targets import LabelSmoothing
from bridle.regularizers.terms import ActivationL2, ConfidencePenalty
from bridle.regularizers.updates import SAM


def net(seed=0, norm=False, rate=0.5):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        middle = nn.BatchNorm1d(8) if norm else nn.Tanh()
        return nn.Sequential(nn.Linear(6, 8), middle, nn.Dropout(rate), nn.Linear(8, 3)).double()


@pytest.fixture
def problem():
    """Eight batches of 16 rows with 6 columns in 3 classes, float64."""
    source = torch.Generator().manual_seed(3)
    inputs = torch.randn(8, 16, 6, generator=source, dtype=torch.float64)
    return list(zip(inputs, torch.randint(0, 3, (8, 16), generator=source), strict=True))


def train(model, optimizer, companion, problem):
    for x, y in problem:
        x, y = companion.batch(x, y)
        optimizer.zero_grad()
        (cross_entropy(model(x), y) + companion.terms()).backward()
        optimizer.step()


def begin(recipe, *, norm=False, rate=0.5, **others):
    model = net(norm=norm, rate=rate)
    optimizer = Adam(model.parameters(), 0.02)
    return model, optimizer, Companion(model, optimizer, recipe, **others)


def same(one, other, **limits):
    torch.testing.assert_close(dict(one.state_dict()), dict(other.state_dict()), **limits)


def test_dropout_is_that_of_the_formula(problem):
    model, _, companion = begin(Recipe(Dropout(0.3, label="mine")), seed=7)
    x, _ = problem[0]
    companion.begin()
    given = model[1](model[0](x))
    uniforms = Draws(7, 0, 0).uniform("mine:2:1", given.shape, given)
    torch.testing.assert_close(model[2](given), given * (uniforms >= 0.3) / 0.7)
    companion.begin()
    assert not torch.equal(model[2](given), given * (uniforms >= 0.3) / 0.7)
    torch.testing.assert_close(model.eval()[2](given), given)


def test_dropout_of_the_user_comes_back_on_detach(problem):
    model, optimizer, companion = begin(Recipe(Dropout(0.3), L2(0.1)))
    assert isinstance(model[2], Place)
    train(model, optimizer, companion, problem)
    model.eval()
    companion.detach()
    assert type(model[2]) is nn.Dropout
    assert not model[2].training
    assert model[2].p == 0.5
    before = copy.deepcopy(model.state_dict())
    for weight in model.parameters():
        weight.grad = torch.zeros_like(weight)
    SGD(model.parameters(), 0.1).step()
    same(model, _loaded(before))
    assert not optimizer._optimizer_step_pre_hooks
    assert not optimizer._optimizer_step_post_hooks


def _loaded(state):
    model = net()
    model.load_state_dict(state)
    return model


def test_a_recipe_without_noise_leaves_the_modules_alone():
    model, _, _ = begin(Recipe(L2(0.1)))
    assert type(model[2]) is nn.Dropout


def test_a_failed_start_leaves_the_model_as_it_was():
    model = net()
    with pytest.raises(RecipeError, match="holds none of the model's parameters"):
        Companion(model, SGD(net().parameters(), 0.1), Recipe(Dropout(0.3), L2(0.1)))
    assert type(model[2]) is nn.Dropout


def test_label_smoothing_gives_rows(problem):
    _, _, companion = begin(Recipe(LabelSmoothing(0.3)), classes=3)
    x, y = problem[0]
    seen, rows = companion.batch(x, y)
    assert seen is x
    expected = 0.7 * torch.eye(3, dtype=torch.float64)[y] + 0.1
    torch.testing.assert_close(rows, expected)
    torch.testing.assert_close(cross_entropy(x[:, :3], rows), cross_entropy(x[:, :3], y, label_smoothing=0.3))


def test_evaluation_sees_what_came(problem):
    model, _, companion = begin(Recipe(LabelSmoothing(0.3), FeatureNoise(0.5)))
    x, y = problem[0]
    model.eval()
    seen, targets = companion.batch(x, y)
    assert seen is x
    assert targets is y
    assert companion.batches == 0


def test_flips_keep_labels_and_differ_by_batch_replica_and_seed():
    images = torch.rand(32, 1, 2, 4)
    labels = torch.arange(32) % 2

    def flipped(calls=1, examples=None, **others):
        _, _, companion = begin(Recipe(HorizontalFlip(0.5)), **others)
        for _ in range(calls):
            seen, targets = companion.batch(images, labels, examples)
        assert targets is labels
        mirrored = (seen == images.flip(-1)).flatten(1).all(1)
        assert (mirrored | (seen == images).flatten(1).all(1)).all()
        return mirrored

    one = flipped()
    assert 4 < one.sum() < 28
    assert torch.equal(one, flipped())
    others = (flipped(calls=2), flipped(replica=1), flipped(seed=1), flipped(examples=torch.arange(32) + 5))
    assert not any(torch.equal(one, other) for other in others)
    assert torch.equal(one[5:], flipped(examples=torch.arange(32).roll(-5))[:27])


def test_mixed_numbers_keep_their_shape():
    model = nn.Linear(4, 1)
    companion = Companion(model, SGD(model.parameters(), 0.1), Recipe(Mixup(1.0)))
    x, y = torch.randn(8, 4), torch.arange(8.0)
    seen, mixed = companion.batch(x, y)
    assert mixed.shape == y.shape
    torch.testing.assert_close(mixed.sum() / 8, seen.new_tensor(3.5), rtol=0.5, atol=0)
    assert not torch.equal(mixed, y)
    mse_loss(model(seen)[:, 0], mixed).backward()


@pytest.mark.parametrize(
    ("recipe", "inputs", "targets", "error", "text"),
    [
        (LabelSmoothing(0.1), torch.rand(2, 3), torch.tensor([0, 1]), RecipeError, "classes="),
        (LabelSmoothing(0.1), torch.rand(2, 3), torch.rand(2), DataError, r"label_smoothing takes targets \(B,\)"),
        (HorizontalFlip(0.5), torch.rand(2, 3), torch.tensor([0, 1]), DataError, "horizontal_flip acts on image data"),
        (FeatureNoise(0.5), torch.rand(2, 3, 4), torch.tensor([0, 1]), DataError, r"got \(2, 3, 4\)"),
        (FeatureNoise(0.5), torch.ones(2, 3).long(), torch.tensor([0, 1]), DataError, "floating point"),
        (Brightness(0.5), 3 * torch.ones(2, 1, 2, 2), torch.tensor([0, 1]), DataError, r"lie in \[3, 3\]"),
    ],
)
def test_what_cannot_be_changed_is_refused(recipe, inputs, targets, error, text):
    model = nn.Linear(3, 2)
    companion = Companion(model, SGD(model.parameters(), 0.1), Recipe(recipe))
    with pytest.raises(error, match=text):
        companion.batch(inputs, targets)


def test_penalties_terms_and_averages_are_those_of_the_formulas(problem):
    recipe = Recipe(L2(0.1), ConfidencePenalty(0.2), EMA(0.5))
    model, optimizer, companion = begin(recipe, rate=0.0)
    twin = net(rate=0.0)
    theirs = Adam(twin.parameters(), 0.02)
    average = {name: weight.detach().clone() for name, weight in twin.named_parameters()}
    for count, (x, y) in enumerate(problem, start=1):
        train(model, optimizer, companion, [(x, y)])
        logits = twin(x)
        entropy = -(logits.softmax(1) * logits.log_softmax(1)).sum(1)
        confident = 0.2 * (torch.tensor(3.0).double().log() - entropy).mean()
        squares = 0.05 * sum(weight.square().sum() for weight in twin.parameters() if weight.ndim == 2)
        theirs.zero_grad()
        (cross_entropy(logits, y) + confident + squares).backward()
        theirs.step()
        decay = min(0.5, (1 + count) / (10 + count))
        average = {name: decay * average[name] + (1 - decay) * weight.detach() for name, weight in _named(twin)}
    same(model, twin, rtol=1e-9, atol=1e-11)
    live = copy.deepcopy(model.state_dict())
    with companion.averaged():
        torch.testing.assert_close(dict(model.named_parameters()), average, check_device=False, rtol=1e-9, atol=1e-11)
    same(model, _loaded(live), rtol=0, atol=0)
    assert companion.penalty() == pytest.approx(float(squares.detach()), rel=0.1)


def _named(model):
    return [(name, weight) for name, weight in model.named_parameters()]


def test_averages_take_exact_zeros(problem):
    model, optimizer, companion = begin(Recipe(L1(0.3), EMA(0.9)), rate=0.0)
    train(model, optimizer, companion, problem * 4)
    zeros = model[0].weight == 0
    assert zeros.any()
    with companion.averaged():
        assert (model[0].weight[zeros] == 0).all()


def test_statistics_of_averaged_weights_are_recomputed(problem):
    model, optimizer, companion = begin(Recipe(EMA(0.9)), norm=True, rate=0.0)
    train(model, optimizer, companion, problem)
    statistics = model[1].running_mean.clone()
    with pytest.raises(RecipeError, match="clean training batches"), companion.averaged():
        pass
    with companion.averaged(problem):
        everything = torch.stack([model[0](x).mean(0) for x, _ in problem]).mean(0)
        torch.testing.assert_close(model[1].running_mean, everything)
        assert model.training
        assert model[1].momentum == 0.1
    torch.testing.assert_close(model[1].running_mean, statistics, rtol=0, atol=0)


def test_statistics_that_the_user_froze_stay(problem):
    model, optimizer, companion = begin(Recipe(EMA(0.9)), norm=True, rate=0.0)
    model[1].eval()
    train(model, optimizer, companion, problem)
    with companion.averaged():
        assert not model[1].running_mean.any()


def test_stopping_brings_the_best_averaged_weights_back(problem):
    model, optimizer, companion = begin(Recipe(EarlyStopping(2), EMA(0.5)), rate=0.0)
    seen, answers = [], []
    for value in (3.0, 1.0, float("nan"), 2.0):
        train(model, optimizer, companion, problem[:2])
        with companion.averaged():
            seen.append(copy.deepcopy(model.state_dict()))
        answers.append(companion.watch(value))
    assert answers == [False, False, False, True]
    assert companion.should_stop
    companion.finish()
    same(model, _loaded(seen[1]), rtol=0, atol=0)
    assert not torch.equal(model[0].weight, seen[3]["0.weight"])


def test_finish_keeps_the_average_where_nothing_was_watched(problem):
    model, optimizer, companion = begin(Recipe(EMA(0.9)), rate=0.0)
    train(model, optimizer, companion, problem)
    with companion.averaged():
        average = copy.deepcopy(model.state_dict())
    companion.finish()
    same(model, _loaded(average), rtol=0, atol=0)


def test_a_resumed_training_goes_on_bit_by_bit(problem):
    recipe = Recipe(
        L2(schedule(0.1, 0.3)), Dropout(0.3), FeatureNoise(0.1), LabelSmoothing(0.1), EMA(0.9), EarlyStopping(3)
    )
    whole, parts = [begin(recipe, classes=3, steps=8, seed=5) for _ in range(2)]
    train(*whole, problem[:4])
    whole[2].watch(1.0)
    train(*whole, problem[4:])
    train(*parts, problem[:4])
    parts[2].watch(1.0)
    state = copy.deepcopy([part.state_dict() for part in parts])
    resumed = begin(recipe, classes=3, steps=8, seed=5)
    for part, kept in zip(resumed, state, strict=True):
        part.load_state_dict(kept)
    train(*resumed, problem[4:])
    same(whole[0], resumed[0], rtol=0, atol=0)
    torch.testing.assert_close(whole[2].state_dict(), resumed[2].state_dict(), rtol=0, atol=0)
    other = begin(Recipe(L2(0.1)))
    with pytest.raises(RecipeError, match="its averages differ"):
        other[2].load_state_dict(state[2])


def test_sam_takes_its_second_gradient_with_the_same_draws(problem):
    model, optimizer, companion = begin(Recipe(SAM(0.1), Dropout(0.5), FeatureNoise(0.3)))
    masks, views = [], []
    model[3].register_forward_pre_hook(lambda _, inputs: masks.append(inputs[0] == 0))

    def closure():
        x, y = companion.batch(*problem[0])
        views.append(x)
        optimizer.zero_grad()
        loss = cross_entropy(model(x), y)
        loss.backward()
        return loss

    optimizer.step(closure)
    optimizer.step(closure)
    assert torch.equal(masks[0], masks[1])
    assert torch.equal(views[0], views[1])
    assert not torch.equal(masks[0], masks[2])
    assert companion.batches == 2


def test_terms_look_at_places_before_their_noise(problem):
    model, optimizer, companion = begin(Recipe(ActivationL2(0.1)))
    x, y = companion.batch(*problem[0])
    cross_entropy(model(x), y).backward()
    activations = model[1](model[0](x))
    torch.testing.assert_close(companion.terms(), 0.05 * activations.square().mean(0).sum(), check_dtype=False)
    optimizer.step()


@pytest.mark.parametrize("regularizer", [Dropout(0.5), FeatureNoise(0.1), LabelSmoothing(0.1)])
def test_a_step_without_a_batch_is_an_error(regularizer, problem):
    model, optimizer, _ = begin(Recipe(regularizer))
    cross_entropy(model(problem[0][0]), problem[0][1]).backward()
    with pytest.raises(RecipeError, match="no batch was begun before this step"):
        optimizer.step()


def test_what_no_training_can_follow_is_refused():
    with pytest.raises(RecipeError, match="recipe is empty"):
        begin(Recipe())
    with pytest.raises(RecipeError, match=r"with Companion\(..., steps=...\)"):
        begin(Recipe(Dropout(schedule(0.1, 0.3))))


def test_weights_come_back_after_an_error_in_evaluation(problem):
    model, optimizer, companion = begin(Recipe(EMA(0.9)), rate=0.0)
    train(model, optimizer, companion, problem)
    live = copy.deepcopy(model.state_dict())
    with pytest.raises(KeyError), companion.averaged():
        raise KeyError
    same(model, _loaded(live), rtol=0, atol=0)
    with with_weights(model, None):
        same(model, _loaded(live), rtol=0, atol=0)
