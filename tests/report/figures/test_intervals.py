import dataclasses

import pytest

from bridle.records import Comparison, Estimate
from bridle.report.figures.intervals import difference_figure, results_figure


def test_each_result_is_a_dot_with_its_interval(searched, sound):
    figure = sound(results_figure(searched))
    dots = [trace for trace in figure.data if "error_x" in trace]
    assert [trace["x"] for trace in dots] == [[tested.metrics["log_loss"].value] for tested in searched.tested]
    assert dots[0]["error_x"]["array"] == [pytest.approx(0.02)]
    assert dots[0]["error_x"]["arrayminus"] == [pytest.approx(0.02)]
    assert [trace["marker"]["color"] for trace in dots] == ["<chosen>"] + 4 * ["<other>"]
    assert figure.layout["yaxis"]["ticktext"][1] == "no regularization"
    assert figure.title == "Log-loss (lower is better)"


def test_single_seeds_are_shown_beside_the_mean(searched):
    seeds = results_figure(searched).data[0]
    assert seeds["x"] == list(searched.tested[0].metrics["log_loss"].values)


def test_only_clear_differences_are_coloured(searched, sound):
    figure = sound(difference_figure(searched))
    dots = [trace for trace in figure.data if "error_x" in trace]
    assert [trace["marker"]["color"] for trace in dots] == ["<chosen>", "<chosen>", "<other>", "<chosen>"]


def test_a_difference_without_interval_is_a_bare_grey_dot(searched, sound):
    bare = dataclasses.replace(searched, comparisons=(Comparison("none", "log_loss", Estimate(0.1)),))
    (dot,) = sound(difference_figure(bare)).data
    assert "error_x" not in dot
    assert dot["marker"]["color"] == "<other>"


def test_nothing_to_compare(single, bare):
    assert results_figure(single) is None
    assert difference_figure(single) is None
    assert results_figure(bare) is None
