import dataclasses

from bridle.report.sections.attribution import Row, content


def test_every_number_of_every_regularizer(searched):
    found = content(searched)
    assert found["rows"][0] == Row(
        "L2", False, "+0.001 ± 0.003", "dropout, rotation, EMA", "+0.001 ± 0.003", "+0.001 ± 0.003", "+0.001 ± 0.003"
    )
    assert found["rows"][3].worth == "–"
    assert found["together"] == "+0.030 ± 0.010"
    assert "2 sub-recipes on 15 splits, 3 seeds" in found["origin"]
    assert "these splits had no part in the choice" in found["origin"]


def test_folds_that_may_have_chosen_are_called_optimistic(searched):
    stale = dataclasses.replace(searched, attribution=dataclasses.replace(searched.attribution, fresh=False))
    assert "so the worths are optimistic" in content(stale)["origin"]


def test_nothing_was_asked(bare):
    assert content(bare) is None
