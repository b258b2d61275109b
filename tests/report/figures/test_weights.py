import pytest

from bridle.records import Histogram
from bridle.report.figures.weights import weight_figures, zeros

EDGES = (-1.0, 0.0, 1.0, 2.0)


def drawn(before, after, share=0.0):
    (figure,) = weight_figures((Histogram("a.weight", EDGES, before, after, share),))
    return figure


def test_steps_before_and_after(sound):
    figure = sound(drawn((1, 2, 3), (3, 2, 1)))
    before, after = figure.data
    assert before["x"] == list(EDGES)
    assert before["y"] == [1, 2, 3, 3]
    assert after["fill"] == "tozeroy"
    assert figure.title == "a.weight"
    assert figure.layout["yaxis"]["range"] == [0, pytest.approx(3 * 1.08)]
    assert figure.caption == "no exact zeros"


def test_a_spike_at_zero_is_cut_and_said_so():
    figure = drawn((10, 10, 10), (5, 4000, 5), share=0.83)
    assert figure.layout["yaxis"]["range"][1] < 20
    assert figure.caption == "83 % exact zeros; the highest bar, 4,000, is cut"


@pytest.mark.parametrize(("before", "after"), [((0, 0, 0), (0, 0, 0)), ((0, 9, 0), (0, 9, 0))])
def test_constant_weights_have_an_axis_too(before, after, sound):
    assert sound(drawn(before, after)).layout["yaxis"]["range"][1] > 0


@pytest.mark.parametrize(("share", "said"), [(0.0, "no"), (0.004, "0.4 %"), (1.0, "100 %"), (1e-7, "1e-5 %")])
def test_the_share_of_zeros(share, said):
    assert zeros(share) == said
