import dataclasses
import math

import pytest

from bridle.records import Estimate, PowerLaw
from bridle.report.further import bound, more_data, pruning, sentences, signed, survival, worths


def test_each_regularizer_with_its_worth_the_needed_ones_first(searched):
    assert worths(searched.attribution) == (
        "EMA (training fails without it), rotation +0.020 ± 0.003, dropout +0.008 ± 0.003, "
        "L2 +0.001 ± 0.003 (not needed)"
    )


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(0.8, 0.5, 1.1), "+0.8 ± 0.3"),
        (Estimate(-0.52, -0.82, -0.22), "-0.5 ± 0.3"),
        (Estimate(0.25), "+0.25"),
        (Estimate(math.nan), "–"),
    ],
)
def test_a_difference_with_its_sign(estimate, text):
    assert signed(estimate) == text


def test_what_became_of_what_is_not_needed(searched):
    found = searched.attribution
    assert pruning(found) == "The final recipe was trained without L2: -0.001 ± 0.003 on the splits that judged."
    asked = dataclasses.replace(found, applied=False)
    assert pruning(asked).startswith("Without L2 (bridle fit --prune): -0.001 ± 0.003")
    worse = dataclasses.replace(asked, pruned=Estimate(-0.01, -0.02, -0.001))
    assert pruning(worse).startswith("Without L2 together the recipe is worse, so all of them stay: -0.010 ± 0.009")
    assert pruning(dataclasses.replace(found, pruned=None)) == ""
    several = dataclasses.replace(
        found, worths=tuple(dataclasses.replace(item, needed=False) for item in found.worths[:3])
    )
    assert "without L2, dropout and rotation:" in pruning(several)


def test_what_more_data_would_buy(searched):
    curve = searched.learning_curve
    assert more_data(curve, "log_loss") == (
        "2,874 training rows instead of 1,437 would improve log-loss by 0.009 [0.002, 0.015], to about 0.0668, as far "
        "as the power law through 5 sizes holds."
    )
    unclear = dataclasses.replace(curve, gain=Estimate(0.003, -0.001, 0.007))
    assert "are not shown to improve log-loss (by 0.003 [-0.001, 0.007])" in more_data(unclear, "log_loss")
    alone = dataclasses.replace(curve, gain=Estimate(0.003))
    assert "would improve log-loss by 0.003, without an interval" in more_data(alone, "log_loss")
    flat = dataclasses.replace(curve, law=PowerLaw(0.1, 0.0, 0.0))
    assert more_data(flat, "log_loss").startswith("More training rows did not improve log-loss, so none")


def test_which_features_survive(searched):
    found = searched.stability
    assert survival(found) == (
        "2 of 4 features survive in 90 % of 100 halves of the rows: hue and proline. Expected false ones among them: "
        "at most 0.45."
    )
    names = tuple(f"f{number}" for number in range(12))
    many = dataclasses.replace(found, features=names, stable=names[:11])
    assert "f0, f1, f2, f3, f4, f5, f6, f7 and 3 more" in survival(many)
    none = dataclasses.replace(found, stable=())
    assert survival(none).startswith("0 of 4 features survive in 90 % of 100 halves of the rows. Expected")
    assert (
        bound(dataclasses.replace(found, bound=4.0))
        == "A half keeps 1.2, too many to bound how many of them are false."
    )


def test_only_what_was_asked_is_said(searched, bare):
    assert len(sentences(searched)) == 4
    assert sentences(searched)[0].startswith("Log-loss that each regularizer buys: EMA (training")
    assert sentences(bare) == []
