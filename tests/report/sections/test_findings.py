from bridle.report.sections.findings import content


def test_the_most_serious_come_first(searched):
    found = content(searched)["findings"]
    assert [finding["severity"] for finding in found] == ["warning", "info"]
    assert found[0]["name"] == "nan loss"
    assert found[0]["numbers"] == [("step", "12"), ("learning rate", "0.0097")]


def test_no_findings(bare):
    assert content(bare) is None
