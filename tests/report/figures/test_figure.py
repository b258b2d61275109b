import math

import pytest

from bridle.report.figures.figure import axis, finite, label, layout, named_ticks


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<script>", "&lt;script&gt;"),
        ("a & b", "a &amp; b"),
        ("<chosen>", "&lt;chosen&gt;"),
        ("x" * 30, "x" * 23 + "…"),
        ("a\x00b", "a�b"),
    ],
)
def test_text_from_data_cannot_be_html_nor_a_colour(text, said):
    assert label(text) == said


def test_cutting_never_splits_an_escaped_sign():
    assert label("<" * 30, 5) == "&lt;" * 4 + "…"


def test_what_is_not_finite_is_a_hole():
    assert finite([1.0, math.nan, math.inf]) == [1.0, None, None]


def test_ticks_are_thinned_where_names_are_many():
    ticks = named_ticks([str(number) for number in range(100)], most=25)
    assert ticks["tickvals"] == list(range(0, 100, 4))
    assert ticks["ticktext"][-1] == "96"
    assert named_ticks(["a", "b"])["tickvals"] == [0, 1]


def test_more_replaces_and_adds():
    assert layout(100, hovermode="x")["hovermode"] == "x"
    assert axis("epoch", nticks=3)["title"]["text"] == "epoch"
    assert "title" not in axis()
