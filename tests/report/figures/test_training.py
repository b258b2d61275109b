import math

import pytest

from bridle.records import Curves, Outcome
from bridle.report.figures.training import metric_figure, part_figures, shared_limits


def outcome(**series):
    return Outcome(0, 0, 0, Curves(series))


def test_the_gap_is_shaded_between_the_two_curves(sound):
    figure = sound(metric_figure((outcome(clean=[3.0, 1.0], score=[3.0, 2.0]),), "log-loss", "title", (0.0, 4.0), 2))
    gap, clean, validation = figure.data
    assert gap["x"] == [1, 2, 2, 1]
    assert gap["y"] == [3.0, 1.0, 2.0, 3.0]
    assert gap["fillcolor"] == "<gap>"
    assert clean["y"] == [3.0, 1.0]
    assert validation["y"] == [3.0, 2.0]
    assert figure.layout["shapes"][0]["x0"] == 2
    assert figure.layout["yaxis"]["range"] == [0.0, 4.0]
    assert [name for name, _ in figure.keys] == ["training rows", "validation rows"]


def test_watch_rows_are_called_what_they_are(sound):
    figure = sound(metric_figure((outcome(clean=[3.0], watch=[2.0]),), "log-loss", "title", None, None))
    assert [name for name, _ in figure.keys] == ["training rows", "rows that patience watches"]
    assert figure.data[-1]["mode"] == "markers"


def test_without_curves_there_is_no_figure():
    assert metric_figure((), "log-loss", "title", None, None) is None
    assert metric_figure((outcome(data_loss=[1.0]),), "log-loss", "title", None, None) is None


def test_loss_and_penalty_have_panels_of_their_own(searched, sound):
    figures = [sound(figure) for figure in part_figures(searched.candidates[0].outcomes, 3)]
    assert [figure.title for figure in figures] == ["Data loss in training", "Penalty", "Learning rate"]


def test_loss_terms_have_a_figure_of_their_own(sound):
    (figure,) = [sound(figure) for figure in part_figures((outcome(terms=[2.0, 1.0]),), None)]
    assert (figure.title, figure.data[0]["y"]) == ("Loss terms", [2.0, 1.0])


def test_a_penalty_that_is_nothing_is_left_out():
    assert part_figures((outcome(penalty=[0.0, 0.0], clean=[1.0]),), None) == []


def test_the_shared_axis_leaves_the_first_quarter_out():
    low, high = shared_limits([(outcome(clean=[90.0, 1.0, 0.5, 0.5]),), (outcome(score=[70.0, 2.0, 1.5, 1.5]),)])
    assert low == pytest.approx(0.5 - 0.06 * 1.5)
    assert high == pytest.approx(2.0 + 0.06 * 1.5)


def test_the_shared_axis_of_constant_or_missing_curves():
    assert shared_limits([(outcome(clean=[2.0]),)]) == (pytest.approx(1.9), pytest.approx(2.1))
    assert shared_limits([(outcome(clean=[0.0]),)]) == (-1.0, 1.0)
    assert shared_limits([(outcome(clean=[math.nan]),), ()]) is None
