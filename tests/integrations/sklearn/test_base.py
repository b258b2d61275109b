import copy
import io
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import bridle.job.context
from bridle import BridleClassifier, BridleRegressor
from bridle.core import Recipe, Training, toml
from bridle.errors import DataError, RecipeError, SearchError
from bridle.records import Mark
from bridle.regularizers.penalties import L2

X, Y = load_iris(return_X_y=True)


def small_net(example, outputs):
    return torch.nn.Sequential(torch.nn.Linear(len(example), 8), torch.nn.ReLU(), torch.nn.Linear(8, outputs))


def absolute(output, target):
    return (output - target).abs()


@pytest.fixture
def estimator(fixed):
    return BridleClassifier(fixed, random_state=0)


@pytest.fixture
def folds_made(monkeypatch):
    """The folds of each search."""
    made, make = [], bridle.job.context.make_folds

    def note(*args, **options):
        made.append(make(*args, **options))
        return made[-1]

    monkeypatch.setattr(bridle.job.context, "make_folds", note)
    return made


class TestFit:
    def test_it_keeps_what_it_found(self, space):
        found = BridleClassifier(space, trials=3, folds=3, random_state=0).fit(X, Y)
        evidence = found.evidence_
        assert [item.name for item in evidence.candidates] == ["trial 0", "trial 1", "trial 2"]
        assert [item.name for item in evidence.baselines] == ["none", "adamw", "early stopping"]
        assert found.choice_ == evidence.choice
        assert toml.dumps(found.recipe_) == evidence.recipe
        assert found.recipe_.training.stop_after > 0
        assert (evidence.data.rows, evidence.tested, evidence.openings) == ({"train": 150, "test": 0}, (), 0)
        assert evidence.command["folds"] == 3

    def test_a_recipe_with_nothing_free_is_trained_as_it_is(self, estimator, fixed):
        found = estimator.fit(X, Y)
        assert (found.recipe_, found.choice_, found.evidence_.candidates) == (fixed, None, ())
        assert found.score(X, Y) > 0.9

    def test_a_recipe_may_be_a_file(self, fixed, estimator, tmp_path):
        (tmp_path / "recipe.toml").write_text(toml.dumps(fixed))
        found = BridleClassifier(tmp_path / "recipe.toml", random_state=0).fit(X, Y)
        np.testing.assert_array_equal(found.predict_proba(X), estimator.fit(X, Y).predict_proba(X))

    def test_something_else_is_no_recipe(self):
        with pytest.raises(RecipeError, match=r"recipe must be a bridle.Recipe or the path of a TOML file; got int"):
            BridleClassifier(3).fit(X, Y)

    def test_options_are_checked(self, space):
        with pytest.raises(SearchError, match="folds must be at least 2; got 1"):
            BridleClassifier(space, folds=1).fit(X, Y)

    @pytest.mark.parametrize("seed", [5, np.int64(5), np.random.RandomState(5)])
    def test_the_same_random_state_gives_the_same_bits(self, seed, space):
        first, second = (
            BridleClassifier(space, trials=2, folds=2, random_state=copy.deepcopy(seed)).fit(X, Y) for _ in range(2)
        )
        np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))

    def test_another_random_state_gives_another_network(self, estimator):
        expected = estimator.fit(X, Y).predict_proba(X)
        for other in (1, None):
            assert (estimator.set_params(random_state=other).fit(X, Y).predict_proba(X) != expected).any()

    def test_a_whole_number_is_the_seed_itself(self, estimator):
        assert estimator.set_params(random_state=7).fit(X, Y).evidence_.command["seed"] == 7

    def test_folds_are_as_many_as_the_largest_class_allows(self, space, folds_made):
        kept = np.r_[0:3, 50:52, 100]
        BridleClassifier(space, trials=1, folds=5).fit(X[kept], Y[kept])
        assert {len(folds) for folds in folds_made} == {3}

    def test_not_fitted_says_so(self, estimator):
        with pytest.raises(NotFittedError, match="This BridleClassifier instance is not fitted yet"):
            estimator.predict(X)
        with pytest.raises(DataError):
            estimator.fit(X, Y * 0)
        with pytest.raises(NotFittedError):
            estimator.predict(X)


class TestWeights:
    def test_a_row_of_weight_0_is_absent(self, space):
        weights = np.ones(150)
        weights[::4] = 0
        estimator = BridleClassifier(space, trials=2, folds=2, random_state=0)
        weighted = clone(estimator).fit(X, Y, sample_weight=weights)
        without = clone(estimator).fit(X[weights > 0], Y[weights > 0], sample_weight=weights[weights > 0])
        assert weighted.evidence_.data.rows["train"] == 112
        np.testing.assert_array_equal(weighted.predict_proba(X), without.predict_proba(X))

    def test_weights_move_the_predictions(self, estimator):
        rows = np.zeros((80, 1)) + np.arange(80).reshape(-1, 1) % 2
        mixed = np.arange(80) // 2 % 2  # every row is half of one class and half of the other
        weights = np.where(mixed == 1, 3.0, 1.0)
        found = estimator.set_params(recipe__training__epochs=40).fit(rows, mixed, sample_weight=weights)
        np.testing.assert_allclose(found.predict_proba(rows)[:, 1], 0.75, atol=0.05)
        np.testing.assert_allclose(estimator.fit(rows, mixed).predict_proba(rows)[:, 1], 0.5, atol=0.05)

    def test_no_weight_at_all_is_refused(self, estimator):
        with pytest.raises(ValueError, match="non-zero"):
            estimator.fit(X, Y, sample_weight=np.zeros(150))

    def test_a_negative_weight_is_refused(self, estimator):
        with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
            estimator.fit(X, Y, sample_weight=-np.ones(150))


class TestGroups:
    @pytest.mark.parametrize("kind", [int, str])
    def test_groups_stay_together_in_the_folds(self, kind, space, folds_made):
        groups = (np.arange(150) // 5).astype(kind)
        BridleClassifier(space, trials=1, folds=3, random_state=0).fit(X, Y, groups=groups)
        assert folds_made
        for fold in (fold for folds in folds_made for fold in folds):
            train, score = fold.rows(Mark.TRAIN), fold.rows(Mark.SCORE)
            assert len(train) + len(score) == 150
            assert not set(groups[train]) & set(groups[score])

    def test_without_groups_they_do_not(self, space, folds_made):
        groups = np.arange(150) // 5
        BridleClassifier(space, trials=1, folds=3, random_state=0).fit(X, Y)
        fold = folds_made[0][0]
        assert set(groups[fold.rows(Mark.TRAIN)]) & set(groups[fold.rows(Mark.SCORE)])

    def test_folds_are_as_many_as_groups_allow(self, space, folds_made):
        BridleClassifier(space, trials=1, folds=5).fit(X, Y, groups=np.arange(150) % 4)
        assert {len(folds) for folds in folds_made} == {4}

    def test_groups_are_one_per_row(self, estimator):
        with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[150, 3\]"):
            estimator.fit(X, Y, groups=[1, 2, 3])

    @pytest.mark.parametrize("routed", [False, True])
    def test_they_pass_through_cross_validation(self, routed, space, folds_made):
        groups = np.arange(150) // 5
        estimator = BridleClassifier(space, trials=1, folds=2, random_state=0)
        with sklearn.config_context(enable_metadata_routing=routed):
            params = {"groups": groups}
            if routed:
                estimator.set_fit_request(groups=True, sample_weight=True).set_score_request(sample_weight=False)
                params["sample_weight"] = np.where(groups == 0, 0.0, 1.0)
            scores = cross_val_score(estimator, X, Y, cv=GroupKFold(3) if routed else 3, params=params)
        assert np.isfinite(scores).all()
        sizes = {sum(len(fold.rows(Mark.SCORE)) for fold in folds) for folds in folds_made}
        assert sizes == ({95, 100} if routed else {100})


class TestCompany:
    def test_it_stands_at_the_end_of_a_pipeline(self, estimator):
        pipe = make_pipeline(StandardScaler().set_output(transform="pandas"), estimator)
        assert cross_val_score(pipe, X, Y, cv=3).mean() > 0.85
        assert pipe.fit(X, Y)[-1].feature_names_in_.tolist() == ["x0", "x1", "x2", "x3"]

    @pytest.mark.parametrize("kind", ["default", "pandas", "polars"])
    def test_after_a_column_transformer(self, kind, estimator):
        frame = pd.DataFrame({"a": X[:, 2], "b": np.array(["u", "v", "w"])[Y]})
        columns = make_column_transformer((StandardScaler(), ["a"]), (OneHotEncoder(sparse_output=False), ["b"]))
        pipe = make_pipeline(columns.set_output(transform=kind), estimator)
        assert pipe.fit(frame, Y).score(frame, Y) > 0.95

    @pytest.mark.parametrize("copied", [pickle, joblib, copy])
    @pytest.mark.parametrize("model", [None, small_net])
    def test_a_fitted_one_can_be_stored(self, copied, model, estimator):
        recipe = Recipe(L2(1e-4), training=estimator.recipe.training)
        found = estimator.set_params(model=model, recipe=recipe).fit(X, Y)
        expected = found.predict_proba(X)
        if copied is pickle:
            again = pickle.loads(pickle.dumps(found))
        elif copied is joblib:
            file = io.BytesIO()
            joblib.dump(found, file)
            again = joblib.load(io.BytesIO(file.getvalue()))
        else:
            again = copy.deepcopy(found)
        np.testing.assert_array_equal(again.predict_proba(X), expected)
        assert again.evidence_ == found.evidence_
        assert again._networks[0] is not found._networks[0]

    def test_no_module_is_pickled(self, estimator):
        found = estimator.fit(X, Y)
        before = pickle.dumps(found)
        found.predict(X)
        assert len(pickle.dumps(found)) == len(before)
        assert b"torch." not in before

    def test_a_loss_of_the_users_own(self, fixed):
        plain = BridleRegressor(fixed, random_state=0).fit(X[:, :3], X[:, 3])
        found = BridleRegressor(fixed, loss=absolute, random_state=0).fit(X[:, :3], X[:, 3])
        assert (found.predict(X[:, :3]) != plain.predict(X[:, :3])).any()
        assert pickle.loads(pickle.dumps(found)).score(X[:, :3], X[:, 3]) > 0.8

    def test_a_clone_is_not_fitted(self, estimator):
        other = clone(estimator.fit(X, Y))
        assert other.get_params() == estimator.get_params()
        assert not hasattr(other, "recipe_")

    def test_tags(self, estimator):
        tags = estimator.__sklearn_tags__()
        assert is_classifier(estimator)
        assert is_regressor(BridleRegressor())
        assert tags.input_tags.allow_nan
        assert tags.input_tags.categorical
        assert not any((tags.input_tags.sparse, tags.input_tags.string, tags.non_deterministic))
        assert not BridleClassifier(image_shape=(8, 8)).__sklearn_tags__().input_tags.allow_nan

    def test_it_can_be_shown(self, estimator):
        assert repr(estimator).startswith("BridleClassifier(random_state=0,")
        assert "BridleClassifier" in estimator._repr_html_()


class TestParameters:
    def test_every_dial_is_one(self, estimator):
        found = estimator.get_params()
        assert (found["recipe__l2__strength"], found["recipe__dropout__rate"]) == (1e-4, 0.1)
        assert found["recipe__training__epochs"] == 8
        assert not [name for name in estimator.get_params(deep=False) if "__" in name]
        assert not [name for name in BridleClassifier().get_params() if "__" in name]

    def test_setting_one_makes_a_new_recipe(self, estimator, fixed):
        estimator.set_params(recipe__l2__strength=0.5, recipe__training__epochs=2, trials=3)
        assert estimator.recipe.regularizers[0] == L2(0.5)
        assert (estimator.recipe.training.epochs, estimator.trials) == (2, 3)
        assert fixed.training.epochs == 8

    def test_the_recipe_is_set_before_its_dials(self):
        estimator = BridleClassifier().set_params(
            recipe__labelled__l2__strength=2.0, recipe=Recipe(L2(1.0, label="labelled__l2"))
        )
        assert estimator.recipe.regularizers[0].strength == 2.0

    def test_without_a_recipe_there_are_no_dials(self):
        with pytest.raises(
            RecipeError, match=r"recipe__l2__strength sets a part of recipe, .* got None. Set recipe first"
        ):
            BridleClassifier().set_params(recipe__l2__strength=1.0)

    def test_an_unknown_dial_is_refused(self, estimator):
        with pytest.raises(RecipeError, match=r"l1\.strength is no setting of this recipe"):
            estimator.set_params(recipe__l1__strength=1.0)

    def test_an_unknown_parameter_is_refused(self, estimator):
        with pytest.raises(ValueError, match="Invalid parameter 'strength'"):
            estimator.set_params(strength=1.0)

    def test_grids_over_dials_and_recipes(self, estimator, fixed):
        weak = Recipe(L2(1e-4), training=Training(epochs=1, batch_size=150, learning_rate=1e-5))
        search = GridSearchCV(estimator, {"recipe": [weak, fixed]}, cv=3).fit(X, Y)
        assert search.best_estimator_.recipe == fixed
        search = GridSearchCV(estimator, {"recipe__l2__strength": [1e-4, 1e3]}, cv=3).fit(X, Y)
        assert search.best_params_ == {"recipe__l2__strength": 1e-4}
        assert search.best_estimator_.recipe_.regularizers[0].strength == 1e-4

    def test_grids_over_trials(self, space):
        search = GridSearchCV(BridleClassifier(space, folds=2, random_state=0), {"trials": [1, 2]}, cv=2).fit(X, Y)
        assert len(search.best_estimator_.evidence_.candidates) == search.best_params_["trials"]
