import dataclasses

from bridle.report.figures.survival import survival_figure


def test_a_bar_per_feature_the_most_frequent_first(searched, sound):
    figure = sound(survival_figure(searched.stability))
    (bars,) = figure.data
    assert bars["x"] == [1.0, 0.97, 0.31, 0.02]
    assert figure.layout["yaxis"]["ticktext"] == ["proline", "hue", "ash", "magnesium"]
    assert bars["marker"]["color"] == ["<chosen>", "<chosen>", "<other>", "<other>"]
    assert figure.layout["shapes"][0]["x0"] == 0.9


def test_of_many_features_the_first_are_shown(searched, sound):
    names = tuple(f"f{number}" for number in range(60))
    many = dataclasses.replace(searched.stability, features=names, frequencies=tuple(0.01 * at for at in range(60)))
    figure = sound(survival_figure(many))
    assert len(figure.data[0]["x"]) == 40
    assert "The 40 most frequent of 60." in figure.caption
