"""One strength into the others, with the quantities that enter."""

import pytest

import bridle
from bridle.errors import ConventionError, DialError


def test_into_one():
    said = bridle.convert("keras.L2(0.01)", to="torch.SGD")
    assert said.strengths == {"l2": 0.02}
    assert said["torch.SGD"] == {"weight_decay": 0.02}
    assert str(said).splitlines() == [
        "keras.L2(0.01)",
        "  is l2 = 0.02 (1/2 sum w^2) beside the mean over examples of the squared error without a half, or of the "
        "cross-entropy",
        "  beside the script's own loss, read as a mean over examples without a half:",
        "    torch.SGD(weight_decay=0.02)  (the same with any momentum, dampening and Nesterov)",
    ]


def test_into_a_library():
    said = bridle.convert("keras.L2(0.01)", to="torch")
    assert [saying.convention.name for saying in said.sayings] == ["torch.SGD", "torch.Adam", "torch.AdamW"]
    assert [saying.arguments for saying in said.sayings[:2]] == [{"weight_decay": 0.02}] * 2
    assert "torch.AdamW: no fixed equivalent: AdamW's decay acts outside the gradient" in str(said)
    assert str(said.sayings[0]) == "torch.SGD(weight_decay=0.02)"
    assert str(said.sayings[2]).startswith("torch.AdamW: no fixed equivalent")
    with pytest.raises(ConventionError, match=r"^torch.AdamW: no fixed equivalent"):
        said["torch.AdamW"]
    with pytest.raises(ConventionError, match=r"'keras.L1' is not in this conversion; in it are torch.SGD, torch.Adam"):
        said["keras.L1"]


def test_the_data_loss_decides_the_factor():
    """The same penalty beside the mean, half the mean and the sum."""
    assert bridle.convert("keras.L1(0.2)", to="sklearn.Lasso")["sklearn.Lasso"] == {"alpha": 0.1}
    assert bridle.convert("keras.L2(0.2)", to="sklearn.Ridge", examples=50)["sklearn.Ridge"] == {"alpha": 10.0}
    text = str(bridle.convert("keras.L1(0.2)", to="sklearn", examples=50))
    assert "  beside half the mean squared error:\n    sklearn.Lasso(alpha=0.1)" in text
    assert "  beside the sum over examples of the data loss:\n    sklearn.LogisticRegression(C=0.1, l1_ratio=1)" in text


def test_quantities_come_from_the_text_for_its_source_and_from_the_call_for_the_target():
    said = bridle.convert("keras.SGD(weight_decay=0.1, momentum=0.9)", to="torch.SGD")
    assert said["torch.SGD"]["weight_decay"] == pytest.approx(0.01)
    said = bridle.convert("keras.SGD(weight_decay=0.1, momentum=0.9)", to="fastai.SGD")
    assert said["fastai.SGD"]["wd"] == pytest.approx(0.1)
    said = bridle.convert("keras.SGD(weight_decay=0.1, momentum=0.9)", to="fastai.SGD", momentum=0.5)
    assert said["fastai.SGD"]["wd"] == pytest.approx(0.02)


def test_all_at_once_shows_reasons_and_needs():
    text = str(bridle.convert("keras.L2(0.01)"))
    assert "\n    sklearn.ElasticNet(alpha=0.01, l1_ratio=0)" in text
    assert "\n  laplace.Regression: needs examples, noise_std\n" in text
    assert "\n  keras.SGD, fastai.SGD: needs momentum\n" in text
    assert (
        "\n  torch.AdamW, timm.AdamW, transformers.TrainingArguments, paper.AdamW, keras.AdamW, fastai.Adam, " in text
    )
    assert "keras.L1(" not in text


def test_both_strengths_go_only_where_both_can_be_said():
    said = bridle.convert("keras.L1L2(0.1, 0.2)")
    names = [saying.convention.name for saying in said.sayings if saying.arguments is not None]
    assert names == ["bridle.ElasticNet", "keras.L1L2", "sklearn.ElasticNet", "skglm.ElasticNet"]
    assert said["sklearn.ElasticNet"] == pytest.approx({"alpha": 0.25, "l1_ratio": 0.2})


def test_decays_convert_among_themselves():
    said = bridle.convert("torch.AdamW(weight_decay=0.01)", learning_rate=1e-3)
    assert said["paper.AdamW"] == {"decay": pytest.approx(1e-5)}
    assert said["keras.AdamW"] == {"weight_decay": 0.01}
    assert "is decay = 0.01 (AdamW's decoupled decay). AdamW's decay acts outside the gradient" in str(said)
    with pytest.raises(ConventionError, match=r"keras.L2 has no fixed equivalent: AdamW's decay .*decay_strengths"):
        bridle.convert("torch.AdamW(weight_decay=0.01)", to="keras.L2")


def test_an_unknown_target():
    with pytest.raises(
        ConventionError, match=r"There is no convention or library called 'tourch'. Did you mean 'torch'\?"
    ):
        bridle.convert("keras.L2(0.1)", to="tourch")
    with pytest.raises(ConventionError, match=r"called 'qqq'. Libraries are bridle, torch, timm, "):
        bridle.convert("keras.L2(0.1)", to="qqq")


def test_a_target_by_another_name():
    assert bridle.convert("keras.L2(0.1)", to="tf.nn.l2_loss")["tf.l2_loss"] == {"scale": 0.2}


def test_a_missing_quantity():
    with pytest.raises(
        ConventionError, match=r"sklearn.Ridge needs examples \(.*\). Give examples=..., .* --examples."
    ):
        bridle.convert("keras.L2(0.1)", to="sklearn.Ridge")
    with pytest.raises(ConventionError, match=r"keras.SGD needs momentum "):
        bridle.convert("keras.SGD(weight_decay=0.1)")


def test_quantities_are_bounded():
    with pytest.raises(DialError, match=r"momentum must lie in \[0, 1\); got 1."):
        bridle.convert("keras.SGD(weight_decay=0.1)", momentum=1.0)
    with pytest.raises(DialError, match="examples must be a whole number"):
        bridle.convert("keras.L2(0.1)", examples=2.5)
