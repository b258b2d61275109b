import dataclasses

from bridle.report.sections.sure import content


def said(evidence):
    return dict(content(evidence)["statements"])


def test_a_search(searched):
    found = said(searched)
    assert found["Sealed test rows"] == (
        "The 360 test rows were split off first and opened once. No training, search or choice has seen them."
    )
    assert "5 refit seeds" in found["Intervals"]
    assert "paired" in found["Intervals"]
    assert found["The choice"].startswith("62 candidates on 5 folds; 2 failed. Fewest active regularizers")
    assert found["The choice"].endswith("of the best.")
    assert found["Fold scores"] == (
        "Optimistic, because they made the choice: log-loss 0.083 ± 0.006 (standard error) on the folds, "
        "0.081 [0.061, 0.101] on the sealed test rows."
    )


def test_how_far_the_choice_flatters(searched):
    found = said(searched)
    assert found["Optimism"].startswith(
        "Choosing among 60 recipes flatters by 0.0024: log-loss 0.0829 on the folds that"
    )
    assert found["On the folds"].startswith("Better by 0.040 [0.022, 0.058] than no regularization, by")
    assert found["Nested"].startswith("Log-loss 0.086 [0.071, 0.101] over 3 outer folds")


def test_the_outer_folds_of_nested_cross_validation(searched, single):
    rows = content(searched)["outer"]
    assert [(row.name, row.score, row.inner) for row in rows] == [
        ("outer fold 1", "0.081", "0.077"),
        ("outer fold 2", "0.09", "0.086"),
        ("outer fold 3", "0.087", "0.083"),
    ]
    assert rows[0].chosen.startswith("L2 3e-4, dropout 0.2")
    assert content(single)["outer"] == []


def test_a_test_set_that_was_opened_again_is_no_longer_trusted(regressed):
    assert "opened twice" in said(regressed)["Sealed test rows"]
    assert "optimistic" in said(regressed)["Sealed test rows"]


def test_a_search_whose_test_is_still_sealed(searched):
    found = said(dataclasses.replace(searched, tested=(), comparisons=(), openings=0))
    assert "still sealed" in found["Sealed test rows"]
    assert "Intervals" not in found
    assert found["Fold scores"].endswith("on the folds.")


def test_a_single_training_made_no_choice(single):
    found = said(single)
    assert "no search" in found["The choice"]
    assert "Fold scores" not in found
    assert "paired" not in found["Intervals"]


def test_nothing_measured(bare):
    assert content(bare) is None
