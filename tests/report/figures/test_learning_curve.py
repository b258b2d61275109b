import dataclasses

from bridle.records import Estimate
from bridle.report.figures.learning_curve import learning_curve_figure


def test_points_law_and_band(searched, sound):
    curve = searched.learning_curve
    figure = sound(learning_curve_figure(curve, "log_loss"))
    band, law, points = figure.data
    assert len(band["x"]) == 2 * len(curve.fitted)
    assert band["y"][0] == curve.fitted[0].score.high
    assert band["y"][-1] == curve.fitted[0].score.low
    assert law["x"][-1] == curve.fitted[-1].rows
    assert points["y"] == [point.score.value for point in curve.points]
    assert figure.layout["shapes"][0]["x0"] == 1437
    assert figure.layout["xaxis"]["ticktext"] == ["144", "287", "575", "862", "1,150", "1,437", "2,874"]


def test_without_intervals_there_is_no_band(searched, sound):
    curve = searched.learning_curve
    bare = tuple(dataclasses.replace(point, score=Estimate(point.score.value)) for point in curve.fitted)
    assert len(sound(learning_curve_figure(dataclasses.replace(curve, fitted=bare), "rmse")).data) == 2
