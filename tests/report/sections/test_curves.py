import dataclasses

from bridle.report.sections.curves import content


def test_the_chosen_recipe_beside_no_regularization(searched):
    found = content(searched)
    chosen, unregularized = found["metrics"]
    assert chosen.title == "Chosen recipe, gap 0.05"
    assert unregularized.title == "No regularization, gap 0.09"
    assert chosen.layout["yaxis"]["range"] == unregularized.layout["yaxis"]["range"]
    assert found["mean"] == "Mean over 5 folds."
    assert found["metric"] == "Log-loss (lower is better)"


def test_a_single_training_shows_its_refits(single):
    found = content(single)
    assert [figure.title for figure in found["metrics"]] == ["Given recipe"]
    assert found["mean"] == "Mean over 5 seeds."
    assert not found["marked"]


def test_one_training_is_no_mean(single):
    one = dataclasses.replace(single.tested[0], outcomes=single.tested[0].outcomes[:1])
    assert content(dataclasses.replace(single, tested=(one,)))["mean"] == ""


def test_no_curves(bare):
    assert content(bare) is None
