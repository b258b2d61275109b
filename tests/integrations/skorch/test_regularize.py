"""A recipe acts in skorch as in a plain loop, and what skorch monitors stays clean."""

import pickle

import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from skorch import NeuralNetClassifier
from skorch.callbacks import Checkpoint, GradientNormClipping, LoadInitState
from torch import nn
from torch.nn.functional import cross_entropy

import bridle
from bridle.engine.companion import Companion
from bridle.errors import RecipeError

RECIPES = {
    "penalties": (bridle.L2(1e-2), bridle.L1(1e-3)),
    "updates": (bridle.DecoupledDecay(0.1), bridle.MaxNorm(1.0)),
    "sharpness": (bridle.SAM(0.05), bridle.Dropout(0.3)),
    "noise": (bridle.Dropout(0.4),),
    "batches": (bridle.FeatureNoise(0.3), bridle.Mixup(0.4), bridle.LabelSmoothing(0.1)),
    "terms": (bridle.ActivationL2(0.1, scope="all"), bridle.ConfidencePenalty(0.05)),
    "schedule": (bridle.L2(bridle.schedule(0.0, 0.5)),),
    "averaging": (bridle.EMA(0.8), bridle.L1(2e-2)),
}


def plain(module, rows, recipe, epochs=4, clip=0.0):
    """The weights that a loop of one's own comes to."""
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)
    companion = Companion(module, optimizer, recipe, steps=4 * epochs, classes=3)
    inputs, targets = (torch.as_tensor(part[:60]) for part in rows)
    for _ in range(epochs):
        module.train()
        for start in range(0, 60, 16):

            def closure(part=slice(start, start + 16)):
                optimizer.zero_grad()
                x, y = companion.batch(inputs[part], targets[part])
                loss = cross_entropy(module(x), y) + companion.terms()
                loss.backward()
                if clip:
                    nn.utils.clip_grad_norm_(module.parameters(), clip)
                return loss

            optimizer.step(closure)
    module.eval()
    with torch.random.fork_rng():
        companion.finish(inputs.split(16))
    companion.detach()
    return module.state_dict()


@pytest.mark.parametrize("name", RECIPES)
def test_it_comes_to_the_weights_of_a_plain_loop(name, make, train, rows, modules):
    recipe = bridle.Recipe(*RECIPES[name])
    net = train(make(("regularize", bridle.skorch.Regularize(recipe))))
    without = train(make())
    expected = plain(modules[0](), rows, recipe)
    for key, value in net.module_.state_dict().items():
        torch.testing.assert_close(value, expected[key], rtol=1e-12, atol=1e-14)
    assert not torch.equal(net.module_.first.weight, without.module_.first.weight)


def test_penalties_are_those_of_attach_and_are_not_clipped(make, train, rows, modules):
    recipe = bridle.Recipe(bridle.L2(0.5))
    net = train(make(GradientNormClipping(0.01), ("regularize", bridle.skorch.Regularize(recipe))))
    module = modules[0]()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)
    bridle.attach(module, optimizer, recipe)
    for _ in range(4):
        for x, y in zip(*(torch.as_tensor(part[:60]).split(16) for part in rows), strict=True):
            optimizer.zero_grad()
            cross_entropy(module(x), y).backward()
            nn.utils.clip_grad_norm_(module.parameters(), 0.01)
            optimizer.step()
    torch.testing.assert_close(net.module_.first.weight, module.first.weight, rtol=1e-12, atol=1e-14)


def test_the_monitored_loss_is_clean(make, train, rows):
    recipe = bridle.Recipe(bridle.L2(3.0), bridle.LabelSmoothing(0.3), bridle.FeatureNoise(2.0), bridle.EMA(0.5))
    recipe = bridle.Recipe(*recipe.regularizers, bridle.ActivationL2(2.0, scope="all"))
    net = train(make(("regularize", bridle.skorch.Regularize(recipe)), max_epochs=3))
    module = net.module_.eval()
    with torch.no_grad():
        loss = cross_entropy(module(torch.as_tensor(rows[0][60:])), torch.as_tensor(rows[1][60:]))
    assert net.history[-1, "valid_loss"] == pytest.approx(float(loss))
    last = net.history[-1]
    assert last["train_loss"] == pytest.approx(last["data_loss"] + last["terms"])
    assert last["terms"] > 0
    assert last["penalty"] > 0


def test_the_penalty_in_the_history_is_that_of_the_live_weights(make, train):
    net = train(make(("regularize", bridle.skorch.Regularize(bridle.Recipe(bridle.L2(0.1))))))
    squares = sum(float(layer.weight.detach().square().sum()) for layer in (net.module_.first, net.module_.last))
    assert net.history[-1, "penalty"] == pytest.approx(0.05 * squares)
    assert "terms" not in net.history[-1]


def test_averaged_weights_are_validated_with_statistics_of_their_own(make, train, rows, modules):
    recipe = bridle.Recipe(bridle.EMA(0.9))
    net = train(make(("regularize", bridle.skorch.Regularize(recipe)), module=modules[1]))
    expected = plain(modules[1](), rows, recipe)
    with torch.no_grad():
        loss = cross_entropy(net.module_.eval()(torch.as_tensor(rows[0][60:])), torch.as_tensor(rows[1][60:]))
    assert net.history[-1, "valid_loss"] == pytest.approx(float(loss))
    for name, value in net.module_.state_dict().items():
        torch.testing.assert_close(value, expected[name], rtol=1e-12, atol=1e-14)


def test_a_stop_rule_ends_the_training_with_the_best_weights(make, train, rows):
    recipe = bridle.Recipe(bridle.EarlyStopping(2))
    net = train(make(("regularize", bridle.skorch.Regularize(recipe)), lr=2.0, max_epochs=50))
    losses = net.history[:, "valid_loss"]
    assert len(losses) == losses.index(min(losses)) + 3 < 50
    with torch.no_grad():
        loss = cross_entropy(net.module_.eval()(torch.as_tensor(rows[0][60:])), torch.as_tensor(rows[1][60:]))
    assert float(loss) == pytest.approx(min(losses))


EVERYTHING = bridle.Recipe(
    bridle.L2Start(0.1), bridle.Dropout(0.3), bridle.FeatureNoise(0.2), bridle.EMA(0.9), bridle.EarlyStopping(9)
)


def test_a_training_resumes_from_a_checkpoint(make, train, tmp_path):
    def net(epochs, *more):
        keeper = Checkpoint(dirname=str(tmp_path), monitor=None, f_regularize="regularize.pt")
        callbacks = [("regularize", bridle.skorch.Regularize(EVERYTHING)), *more, keeper]
        return make(*callbacks, max_epochs=epochs)

    straight = train(net(4))
    first = net(2)
    train(first)
    keeper = Checkpoint(dirname=str(tmp_path), monitor=None, f_regularize="regularize.pt")
    second = train(net(2, LoadInitState(keeper)))
    assert len(second.history) == 4
    for name, value in straight.module_.state_dict().items():
        torch.testing.assert_close(second.module_.state_dict()[name], value, rtol=1e-12, atol=1e-14)


def test_partial_fit_goes_on_where_fit_ended(make, train, rows):
    straight = train(make(("regularize", bridle.skorch.Regularize(EVERYTHING))))
    halves = train(make(("regularize", bridle.skorch.Regularize(EVERYTHING)), max_epochs=2))
    halves.partial_fit(rows[0][:60], rows[1][:60])
    for name, value in straight.module_.state_dict().items():
        torch.testing.assert_close(halves.module_.state_dict()[name], value, rtol=1e-12, atol=1e-14)
    again = train(halves)
    assert len(again.history) == 2


def test_a_trained_net_is_the_users_own_again(make, train, rows):
    net = train(make(("regularize", bridle.skorch.Regularize(EVERYTHING))))
    assert type(net.module_.drop) is nn.Dropout
    assert not net.module_._forward_pre_hooks
    assert not net.criterion_._forward_hooks
    there = pickle.loads(pickle.dumps(net))
    assert (there.predict(rows[0]) == net.predict(rows[0])).all()
    assert clone(net).callbacks[0][1].recipe == EVERYTHING


def test_an_error_leaves_nothing_that_the_next_training_meets(make, train, rows):
    class Broken(Checkpoint):
        def on_epoch_end(self, net, **kwargs):
            raise ZeroDivisionError

    regularize = bridle.skorch.Regularize(bridle.Recipe(bridle.Dropout(0.3)))
    net = make(("regularize", regularize), ("broken", Broken()))
    with pytest.raises(ZeroDivisionError):
        train(net)
    net.set_params(callbacks__broken=None)
    train(net)
    assert not net.module_._forward_pre_hooks


def test_a_grid_search_turns_a_dial(make, rows):
    net = make(("regularize", bridle.skorch.Regularize(bridle.Recipe(bridle.L2(1e-4)))), train_split=None, max_epochs=2)
    grid = {"callbacks__regularize__l2.strength": [1e-4, 30.0]}
    search = GridSearchCV(net, grid, cv=2, scoring="neg_log_loss", error_score="raise")
    search.fit(*rows)
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] > scores[1]
    best = dict(search.best_estimator_.callbacks_)["regularize"].recipe
    assert best == bridle.Recipe(bridle.L2(1e-4))


def test_settings_have_addresses_of_both_kinds():
    regularize = bridle.skorch.Regularize(bridle.Recipe(bridle.L2(1e-4)), seed=3)
    assert regularize.get_params(deep=False).keys() == {"recipe", "seed", "classes", "continuous", "steps", "monitor"}
    assert regularize.get_params()["l2.strength"] == 1e-4
    regularize.set_params(recipe__l2__strength=0.2, seed=4)
    assert (regularize.recipe, regularize.seed) == (bridle.Recipe(bridle.L2(0.2)), 4)
    with pytest.raises(RecipeError, match=r"l3.strength is no setting of this recipe; it has .*l2.strength"):
        regularize.set_params(**{"l3.strength": 1})


@pytest.mark.parametrize(
    ("items", "settings", "message"),
    [
        (
            [bridle.LabelSmoothing(0.1)],
            {"criterion": nn.NLLLoss},
            r"label_smoothing gives rows of prob.*NLLLoss does not",
        ),
        (
            [bridle.EarlyStopping(2)],
            {"train_split": None},
            r"watches valid_loss, which this net's history does not have",
        ),
        ([bridle.L2(bridle.between(1e-4, 1.0))], {}, r"needs a value for every dial; free are l2.strength"),
    ],
)
def test_what_cannot_be_served_is_refused_by_name(items, settings, message, make, train):
    with pytest.raises(RecipeError, match=message):
        train(make(("regularize", bridle.skorch.Regularize(bridle.Recipe(*items))), **settings))


def test_a_checkpoint_before_it_is_refused_beside_averages(make, train, tmp_path):
    regularize = ("regularize", bridle.skorch.Regularize(bridle.Recipe(bridle.EMA(0.9))))
    with pytest.raises(RecipeError, match=r"would keep averaged weights .* List Regularize first"):
        train(make(Checkpoint(dirname=str(tmp_path)), regularize))


def test_what_is_no_recipe_is_refused(make, train):
    with pytest.raises(RecipeError, match=r"Regularize\(recipe\) takes a bridle.Recipe; got L2\."):
        train(make(("regularize", bridle.skorch.Regularize(bridle.L2(0.1)))))


def test_several_inputs_cannot_be_augmented(make, modules, rows):
    class Two(modules[0]):
        def forward(self, a, b):
            return super().forward(a + b)

    net = make(("regularize", bridle.skorch.Regularize(bridle.Recipe(bridle.FeatureNoise(0.1)))), module=Two)
    with pytest.raises(RecipeError, match=r"act on one tensor of inputs .* called with named inputs"):
        net.set_params(train_split=None).fit({"a": rows[0], "b": rows[0]}, rows[1])


def test_two_optimizers_are_refused(make, train):
    class Twice(NeuralNetClassifier):
        def initialize_optimizer(self):
            super().initialize_optimizer()
            self.second_ = torch.optim.SGD(self.module_.last.parameters(), lr=0.1)
            return self

    net = make(("regularize", bridle.skorch.Regularize(bridle.Recipe(bridle.L2(0.1)))), kind=Twice)
    with pytest.raises(RecipeError, match=r"one module and one optimizer; this has module, optimizer, second\."):
        train(net)
