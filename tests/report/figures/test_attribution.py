import dataclasses

from bridle.report.figures.attribution import attribution_figure


def test_a_bar_with_its_interval_for_each_regularizer(searched, sound):
    figure = sound(attribution_figure(searched.attribution, "log_loss"))
    bars, alone, shares = figure.data
    assert bars["x"] == [0.001, 0.008, 0.02, None]
    assert bars["marker"]["color"] == ["<other>", "<chosen>", "<chosen>", "<chosen>"]
    assert figure.layout["yaxis"]["ticktext"] == ["L2", "dropout", "rotation", "EMA"]
    assert [round(reach, 6) for reach in bars["error_x"]["array"]] == [0.003, 0.003, 0.003, 0.0]
    assert alone["marker"]["symbol"] == "circle-open"
    assert shares["marker"]["symbol"] == "diamond"
    assert figure.keys == (("needed", "<chosen>"), ("not needed", "<other>"))


def test_without_shapley_values_there_are_no_diamonds(searched, sound):
    found = searched.attribution
    without = tuple(dataclasses.replace(item, shapley=None) for item in found.worths)
    assert len(sound(attribution_figure(dataclasses.replace(found, worths=without), "log_loss")).data) == 2
