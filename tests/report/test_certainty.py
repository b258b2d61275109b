import dataclasses

from bridle.records import Nested, OuterFold
from bridle.report.certainty import fold_comparisons_text, nested_text, optimism_text, stability_text


def test_optimism(searched):
    assert optimism_text(searched) == (
        "Choosing among 60 recipes flatters by 0.0024: log-loss 0.0829 on the folds that chose it, 0.085 "
        "[0.071, 0.099] on rows that did not (bootstrap of the whole choice, epochs included). 2 recipes "
        "without kept predictions left out."
    )


def test_a_choice_that_does_not_flatter(searched):
    found = dataclasses.replace(searched.optimism, optimism=-0.001, left_out=0)
    text = optimism_text(dataclasses.replace(searched, optimism=found))
    assert "shows no optimism: the corrected score is better by 0.001: log-loss" in text
    assert "left out" not in text


def test_comparisons_on_the_folds_say_that_they_are_optimistic(searched):
    text = fold_comparisons_text(searched)
    assert "early stopping only (no difference shown) (corrected resampled t-test; optimistic, because" in text


def test_nested(searched):
    assert nested_text(searched) == (
        "log-loss 0.086 [0.071, 0.101] over 3 outer folds, each with a search of its own that never saw the rows it is "
        "scored on. Better by 0.035 [0.012, 0.058] than no regularization, by 0.010 [-0.004, 0.024] than AdamW with "
        "decay (no difference shown). Of 3 choices: L2 in 3, dropout in 2."
    )


def test_where_nothing_is_known_nothing_is_said(single):
    assert optimism_text(single) == fold_comparisons_text(single) == nested_text(single) == ""


def test_a_search_that_always_chose_nothing(searched):
    fold = OuterFold(0, 0.1, (0.1,), 0.1, (), {}, "")
    nested = Nested(searched.nested.score, (fold, fold))
    assert stability_text(nested) == "No outer fold chose a regularizer."
