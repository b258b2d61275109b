import dataclasses

import pytest

from bridle.records import Choice
from bridle.report.figures.ranking import ranking_figure


def test_every_candidate_that_did_not_fail_is_there_once(searched, sound):
    figure = sound(ranking_figure(searched))
    places = sorted(place for trace in figure.data for place in trace["x"])
    assert places == list(range(1, 64))
    assert [trace["name"] for trace in figure.data] == ["other", "close to the best", "baseline", "chosen"]
    counts = {trace["name"]: len(trace["x"]) for trace in figure.data}
    assert counts == {"other": 54, "close to the best": 5, "baseline": 3, "chosen": 1}


@pytest.mark.parametrize(("higher", "sign"), [(False, 1), (True, -1)])
def test_the_mark_lies_one_standard_error_on_the_worse_side(searched, higher, sign):
    evidence = dataclasses.replace(searched, higher_is_better=higher)
    best = next(item for item in searched.candidates if item.number == searched.choice.best)
    (mark,) = ranking_figure(evidence).layout["shapes"]
    assert mark["y0"] == mark["y1"] == pytest.approx(best.score + sign * best.error)


def test_without_a_choice_or_a_finite_best_there_is_no_mark(searched):
    assert ranking_figure(dataclasses.replace(searched, choice=None)).layout["shapes"] == []
    failed = dataclasses.replace(searched, choice=Choice(0, 60, "best", (), ""))
    assert ranking_figure(failed).layout["shapes"] == []


def test_no_figure_without_scores(single, searched):
    assert ranking_figure(single) is None
    assert ranking_figure(dataclasses.replace(searched, candidates=searched.candidates[-2:], baselines=())) is None
