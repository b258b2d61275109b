"""A recipe in every convention."""

import pytest

import bridle
from bridle.errors import DialError


def explained(*regularizers, training=None, **given):
    return bridle.Recipe(*regularizers, training=training).explain(**given)


def test_the_training_settings_enter():
    text = explained(
        bridle.L2(0.01), training=bridle.Training(optimizer="sgd", momentum=0.8, batch_size=10), examples=50
    )
    assert text.startswith("l2\n  is l2 = 0.01 (1/2 sum w^2) beside the mean over examples of the squared error ")
    for line in (
        *("keras.L2(l2=0.005)", "keras.SGD(weight_decay=0.05)", "sklearn.MLPClassifier(alpha=0.1)"),
        *("sklearn.MLPRegressor(alpha=0.05)", "sklearn.Ridge(alpha=0.25)", "torch.SGD(weight_decay=0.01)"),
    ):
        assert f"\n    {line}\n" in text
    assert "torch.AdamW, timm.AdamW" in text
    assert "\n  glmnet: needs target_std\n" in text
    assert "glmnet(lambda=0.01, alpha=0)" in explained(bridle.L2(0.01), target_std=2.0)
    assert "laplace.Regression(prior_precision=" in explained(bridle.L2(0.01), examples=5, noise_std=2.0)


def test_a_free_setting_does_not_enter():
    text = explained(bridle.L2(0.01), training=bridle.Training(batch_size=bridle.choice(16, 32)))
    assert "\n  sklearn.MLPClassifier, sklearn.MLPRegressor: needs batch_size\n" in text


@pytest.mark.parametrize(
    "strength", [bridle.between(0.01, 0.1), bridle.choice(0.1, 0.01, 0.02), bridle.schedule(0.01, 0.1)], ids=str
)
def test_both_ends_of_a_free_strength_and_reasons_once(strength):
    text = explained(bridle.L1(strength))
    assert "l1, from\n  is l1 = 0.01 " in text
    assert "l1, to\n  is l1 = 0.1 " in text
    assert text.count("lassonet.LassoNet(lambda=") == 2
    assert text.count("presses on activations") == 1


def test_both_strengths_of_an_elastic_net():
    text = explained(bridle.ElasticNet(0.1, 0.2, label="net"))
    assert text.startswith("net\n  is l1 = 0.1 (sum |w|) and l2 = 0.2 (1/2 sum w^2) beside ")
    assert "\n    keras.L1L2(l1=0.1, l2=0.1)\n" in text


def test_the_decay_of_adamw():
    text = explained(training=bridle.Training(weight_decay=0.01, learning_rate=1e-3))
    assert text.startswith("training.weight_decay\n  is decay = 0.01 (AdamW's decoupled decay). ")
    assert "\n    paper.AdamW(decay=1e-05)\n" in text
    assert "decay_strengths" in text


def test_what_has_no_other_convention():
    text = explained(bridle.GroupLasso(0.1), bridle.Dropout(0.2), bridle.Rotation(10))
    assert text == (
        "group_lasso\n  multiplies its own form beside the mean data loss; no other convention states it.\n\n"
        "dropout, rotation\n  no penalty on weights: what it is set to means the same everywhere."
    )
    assert explained() == "The recipe has no penalty on weights."


def test_quantities_are_bounded():
    with pytest.raises(DialError, match="examples must lie in"):
        explained(bridle.L2(0.1), examples=0)
