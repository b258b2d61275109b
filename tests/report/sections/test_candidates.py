from dataclasses import replace

from bridle.report.sections.candidates import SHOWN, content


def test_the_table_holds_all_with_the_best_first(searched):
    found = content(searched)
    rows = found["rows"] + found["more"]
    assert len(found["rows"]) == SHOWN
    assert len(rows) == 65
    assert [row.mark for row in rows[:2]] == ["best", "chosen"]
    assert sum(row.mark == "baseline" for row in rows) == 3
    assert found["count"] == "62 candidates"


def test_a_row_has_a_cell_for_every_dial(searched):
    found = content(searched)
    rows = {row.name: row for row in found["rows"] + found["more"]}
    assert found["addresses"][1] == "l2.strength"
    assert rows["no regularization"].dials == ("0.001", "–", "–", "–", "–", "–")
    assert rows["no regularization"].active == "none"
    assert rows["trial 60"].failure == "the loss became NaN at step 12"


def test_what_was_dropped_says_when(searched):
    first, *others = searched.candidates
    found = content(replace(searched, candidates=(replace(first, until=9), *others)))
    assert [row.mark for row in found["rows"] + found["more"]].count("dropped at epoch 9") == 1


def test_no_search(single):
    assert content(single) is None
