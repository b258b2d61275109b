import dataclasses

from bridle.report.sections.data import content


def test_the_facts(searched):
    found = content(searched)
    facts = dict(found["facts"])
    assert facts["Shape of a row"] == "1 × 8 × 8"
    assert facts["Rows, train"] == "1,437"
    assert facts["Classes"] == "10"
    assert found["notes"] == searched.data.notes
    assert not found["folded"]
    assert max(share for _, _, share in found["counts"]) == 100


def test_many_classes_are_folded_away(large):
    found = content(large)
    assert found["folded"]
    assert found["summary"].startswith("100 classes, 1")


def test_no_classes(regressed):
    found = content(regressed)
    assert found["counts"] == []
    assert "Classes" not in dict(found["facts"])


def test_classes_without_rows(searched):
    data = dataclasses.replace(searched.data, counts={"a": 0})
    assert content(dataclasses.replace(searched, data=data))["counts"] == [("a", 0, 0.0)]
