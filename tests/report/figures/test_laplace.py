from bridle.report.figures.figure import CHOSEN, OTHER
from bridle.report.figures.laplace import evidence_figure


def test_a_line_for_each_training_and_the_kept_one_stands_out(searched):
    figure = evidence_figure(searched.laplace)
    assert [trace["line"]["color"] for trace in figure.data] == [OTHER, CHOSEN, OTHER]
    assert [trace["x"] for trace in figure.data] == [[8, 16]] * 3
    assert figure.data[1]["y"] == [-90.0, -82.1]
    assert figure.data[1]["text"] == ["-90", "-82.1"]
