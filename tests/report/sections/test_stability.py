from bridle.report.sections.stability import content


def test_frequencies_and_bound(searched, bare):
    found = content(searched)
    assert found["lead"].startswith("2 of 4 features survive")
    assert len(found["figure"].data) == 1
    assert content(bare) is None
