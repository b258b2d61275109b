from bridle.report.sections.learning_curve import content


def test_the_promise_and_its_curve(searched, bare):
    found = content(searched)
    assert found["lead"].startswith("2,874 training rows instead of 1,437 would improve log-loss")
    assert len(found["figure"].data) == 3
    assert content(bare) is None
