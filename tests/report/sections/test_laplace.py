import dataclasses

from bridle.report.sections.laplace import compared, content


def test_a_search(searched):
    found = content(searched)
    assert dict(found["statements"]) == {
        "Log evidence": "-82.1 nats of the training targets, without validation data.",
        "On the folds": (
            "log-loss 0.091 ± 0.006 after the last epoch, against 0.083 ± 0.006 of the recipe chosen there at its best "
            "epoch."
        ),
        "Left out": "stages.1.weight: a normalisation divides out the scale, so no strength follows from the data.",
    }
    assert found["chosen"] == "chosen by cross-validation"
    assert found["rows"][1] == {
        "name": "head.weight", "weights": "640", "effective": "72.4", "strength": "0.005", "chosen": "3e-4",
    }  # fmt: skip


def test_a_regression_of_a_given_recipe(searched, single):
    found = dataclasses.replace(searched.laplace, noise=51.3, left_out=())
    shown = content(dataclasses.replace(single, laplace=found))
    assert shown["chosen"] == "in the given recipe"
    assert dict(shown["statements"]) == {
        "Log evidence": "-82.1 nats of the training targets, without validation data.",
        "Noise": "Standard deviation 51.3, in the unit of the target.",
    }


def test_nothing_is_compared_where_a_fold_failed(searched):
    failed = dataclasses.replace(searched.laplace, score=float("nan"))
    assert compared(dataclasses.replace(searched, laplace=failed)) == ""


def test_nobody_asked(bare):
    assert content(bare) is None
    assert compared(bare) == ""
