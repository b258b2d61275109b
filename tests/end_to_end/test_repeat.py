"""The same question gives the same answer: again, from a run's own recipe, and from the finished folder."""

from pathlib import Path

import numpy as np
import pytest

import bridle

SEARCH = ("--trials", 3, "--folds", 2, "--seeds", 1)


def fit(cli, *arguments):
    result = cli("fit", *arguments)
    assert result.exit_code == 0, result.output


def test_a_search_repeats_and_its_recipe_gives_the_same_weights(cli, pictures, same):
    fit(cli, "pictures.npz", "--recipe", "mixed.toml", *SEARCH, "--out", "first")
    fit(cli, "pictures.npz", "--recipe", "mixed.toml", *SEARCH, "--out", "second")
    same.weights("first", "second")
    assert same.evidence("first") == same.evidence("second")
    assert not bridle.load_recipe("first/recipe.toml").is_space
    fit(cli, "pictures.npz", "--recipe", "first/recipe.toml", "--out", "third")
    same.weights("first", "third")
    assert Path("first/recipe.toml").read_text() == Path("third/recipe.toml").read_text()


def test_a_fixed_recipe_repeats_from_its_own_run(cli, pictures, same):
    recipe = Path("mixed.toml").read_text().replace("{ low = 1e-3, high = 1e-2, log = true }", "5e-3")
    recipe = recipe.replace("{ choice = [0.1, 0.5] }", "0.3").replace("optional = true", "")
    recipe = recipe.replace("{ low = 1e-6, high = 1e-3, log = true }", "1e-5")
    Path("given.toml").write_text(recipe.replace("[training]", "[training]\nexpand = 1"))
    fit(cli, "pictures.npz", "--recipe", "given.toml", "--out", "first")
    fit(cli, "pictures.npz", "--recipe", "first/recipe.toml", "--out", "second")
    same.weights("first", "second")
    fit(cli, "pictures.npz", "--recipe", "given.toml", "--out", "other", "--seed", 1)
    with pytest.raises(AssertionError):
        same.weights("first", "other")


def test_a_report_and_a_finished_run_are_stable(cli, pictures):
    fit(cli, "pictures.npz", "--recipe", "fixed.toml", "--out", "run")
    before = {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()}
    assert cli("report", "run").exit_code == 0
    fit(cli, "--resume", "run")
    assert {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()} == before


def test_predictions_survive_the_file(pictures):
    run = bridle.fit("pictures.npz", "fixed.toml", out="run")
    with np.load("pictures.npz") as file:
        inputs = file["X"]
    np.testing.assert_array_equal(
        run.predict(inputs).probabilities, bridle.load("run").predict("pictures.npz").probabilities
    )
