import math

from bridle.records.feature_path import CountScore
from bridle.report.figures.feature_path import MOST, count_figure, importance_figure

SCORES = (CountScore(1, (0.5, 0.6), 0.55, 0.05), CountScore(4, (0.9,), 0.9, math.nan))


def test_the_score_against_the_number_of_features(sound):
    figure = sound(count_figure(SCORES, 4, "accuracy"))
    curve, mark = figure.data
    assert curve["x"] == [1, 4]
    assert curve["y"] == [0.55, 0.9]
    assert curve["error_y"]["array"] == [0.05, None]
    assert (mark["x"], mark["y"]) == ([4], [0.9])
    assert figure.says == "accuracy against the number of features; 4 are chosen."


def test_features_in_the_order_of_their_importance(sound):
    figure = sound(importance_figure({"a": 1.0, "<b>": 3.0, "c": 2.0}, ["<b>"]))
    (bars,) = figure.data
    assert bars["x"] == [3.0, 2.0, 1.0]
    assert bars["text"] == ["&lt;b&gt;", "c", "a"]
    assert bars["marker"]["color"][0] != bars["marker"]["color"][1] == bars["marker"]["color"][2]


def test_many_features_are_cut_and_said_so():
    figure = importance_figure({f"x{at}": at + 1.0 for at in range(MOST + 5)}, [])
    assert len(figure.data[0]["x"]) == MOST
    assert figure.caption.endswith(f"The {MOST} that last longest of {MOST + 5}.")
