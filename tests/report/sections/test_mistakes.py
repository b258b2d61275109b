import dataclasses

from bridle.records import Confusion, Residuals
from bridle.report.sections.mistakes import content


def test_classification(searched):
    found = content(searched)
    assert found["confusion"] is not None
    assert found["worst"]
    assert found["worst"][0][3].endswith(" %")
    assert found["residuals"] == []


def test_regression(regressed):
    found = content(regressed)
    assert found["confusion"] is None
    assert len(found["residuals"]) == 2


def test_nothing_to_show(bare):
    assert content(bare) is None
    assert content(dataclasses.replace(bare, confusion=Confusion((), ()))) is None
    assert content(dataclasses.replace(bare, residuals=Residuals((), ()))) is None
