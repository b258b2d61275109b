from bridle.report.sections.weights import SHOWN, content


def test_many_parameters_are_folded_away(large):
    found = content(large)
    assert len(found["figures"]) == SHOWN
    assert len(found["more"]) == 20 - SHOWN


def test_no_weights(bare):
    assert content(bare) is None
