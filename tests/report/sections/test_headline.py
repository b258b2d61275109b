import dataclasses

from bridle.report.sections.headline import content


def values(evidence):
    return {key.name: (key.value, key.note) for key in content(evidence)["keys"]}


def test_the_four_numbers(searched):
    assert values(searched) == {
        "log-loss on test rows": ("0.081", "[0.061, 0.101] · lower is better"),
        "better than no regularization by": ("+0.040", "[0.022, 0.058]"),
        "gap": ("0.05", "0.09 without regularization"),
        "sealed test set opened": ("once", "at the very end"),
    }
    assert content(searched)["subject"] == "Classification of “digit” · 1,437 training rows · 360 sealed test rows"


def test_a_loss_has_its_sign(regressed):
    worse = dataclasses.replace(regressed.comparisons[1], other="none")
    found = values(dataclasses.replace(regressed, comparisons=(worse,), baselines=()))
    assert found["better than no regularization by"] == ("-1,200", "[-2,100, -330]")
    assert found["gap"][1] == "validation against clean training"
    assert found["sealed test set opened"][0] == "twice"


def test_what_is_not_known_is_left_out(bare, single):
    assert values(bare) == {}
    assert list(values(single)) == ["log-loss on test rows", "sealed test set opened"]
