import math

import pytest

from bridle.records import Confusion, Residuals
from bridle.report.figures.mistakes import confusion_figure, confusions, residual_figures

COUNTS = Confusion(("a", "b", "<c>"), ((8.0, 2.0, 0.0), (0.0, 5.0, 0.0), (0.0, 0.4, 0.0)))


def test_the_colour_is_the_share_of_the_true_class(sound):
    figure = sound(confusion_figure(COUNTS))
    (trace,) = figure.data
    assert trace["z"][0] == [0.8, 0.2, 0.0]
    assert trace["text"][0] == ["8", "2", ""]
    assert figure.layout["yaxis"]["ticktext"] == ["a", "b", "&lt;c&gt;"]
    assert figure.layout["yaxis"]["autorange"] == "reversed"
    assert trace["customdata"][2][1] == "&lt;c&gt; → b: 0.4"


def test_a_class_without_test_rows_has_no_share(sound):
    figure = sound(confusion_figure(Confusion(("a", "b"), ((1.0, 0.0), (0.0, 0.0)))))
    assert figure.data[0]["z"][1] == [0.0, 0.0]


def test_many_classes_have_no_numbers_and_fewer_names(large, sound):
    figure = sound(confusion_figure(large.confusion))
    assert "text" not in figure.data[0]
    assert len(figure.layout["yaxis"]["ticktext"]) == 25
    assert len(figure.layout["xaxis"]["ticktext"]) < 13


def test_the_most_frequent_mistakes_come_first():
    assert confusions(COUNTS) == [("a", "b", 2.0, 0.2), ("<c>", "b", 0.4, 1.0)]
    assert confusions(COUNTS, most=1) == [("a", "b", 2.0, 0.2)]
    assert confusions(Confusion(("a", "b"), ((1.0, 0.0), (0.0, 1.0)))) == []


def test_residuals(regressed, sound):
    against, errors = (sound(figure) for figure in residual_figures(regressed.residuals, "<price>"))
    assert len(against.data[1]["x"]) == 600
    assert against.layout["xaxis"]["title"]["text"] == "true &lt;price&gt;"
    assert sum(errors.data[0]["y"]) == 600


def test_residuals_that_are_not_finite_are_left_out():
    against, errors = residual_figures(Residuals((1.0, 2.0, math.nan), (1.5, math.inf, 1.0)), "y")
    assert against.data[1]["x"] == [1.0]
    assert "Mean 0.5, half of the rows within 0.5." in errors.caption
    assert residual_figures(Residuals((math.nan,), (1.0,)), "y") == []
    assert residual_figures(Residuals((), ()), "y") == []


@pytest.mark.parametrize("names", [("a",), ("x" * 200, "y")])
def test_odd_names(names, sound):
    counts = tuple(tuple(1.0 for _ in names) for _ in names)
    assert sound(confusion_figure(Confusion(names, counts)))
