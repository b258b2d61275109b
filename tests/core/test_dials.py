"""Dials: bounds, free ranges, schedules, and what is refused with which words."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import pytest

from bridle.core.dials import (
    Between,
    Choice,
    Range,
    Schedule,
    between,
    check_dial,
    choice,
    dials,
    schedule,
    words,
)
from bridle.errors import DialError


@dataclass
class Record:
    strength: Annotated[float, Range(0.0, search=(1e-6, 1e-2), log=True)]
    rate: Annotated[float | None, Range(0.0, 1.0, open_high=True)] = None
    k: Annotated[float, Range(-1.0, 1.0)] | None = None
    note: str = ""
    fill: Literal["zeros", "border"] = "zeros"


def test_dials_are_found_in_order_and_nothing_else():
    assert list(dials(Record)) == ["strength", "rate", "k"]
    assert dials(Record)["rate"] == Range(0.0, 1.0, open_high=True)


def test_words_are_found():
    assert words(Record) == {"fill": ("zeros", "border")}


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        (Range(0.0), "[0, inf)"),
        (Range(0.0, 1.0), "[0, 1]"),
        (Range(0.0, 1.0, open_low=True, open_high=True), "(0, 1)"),
        (Range(), "(-inf, inf)"),
    ],
)
def test_a_range_is_written_as_mathematics_writes_it(bounds, text):
    assert str(bounds) == text


@pytest.mark.parametrize(
    ("bounds", "value", "message"),
    [
        (Range(0.0), -1, r"L1.strength must lie in \[0, inf\); got -1\."),
        (Range(0.0, 1.0, open_high=True), 1.0, r"L1.strength must lie in \[0, 1\); got 1\."),
        (Range(0.0, open_low=True), 0, r"L1.strength must lie in \(0, inf\); got 0\."),
        (Range(0.0), math.nan, r"must lie in \[0, inf\); got nan\."),
        (Range(0.0), math.inf, r"must lie in \[0, inf\); got inf\."),
        (Range(0.0), "0.1", r"must be a number in \[0, inf\); got '0.1' \(str\)\."),
        (Range(0.0), True, r"must be a number in \[0, inf\); got True \(bool\)\."),
        (Range(0.0), None, r"must be a number in \[0, inf\); got None \(NoneType\)\."),
        (Range(1, integer=True), 2.5, r"must be a whole number in \[1, inf\); got 2\.5\."),
    ],
)
def test_what_is_out_of_bounds_is_refused(bounds, value, message):
    with pytest.raises(DialError, match=message):
        bounds.check("L1.strength", value)


def test_numbers_become_plain_ones():
    assert type(Range(0.0).check("x", 3)) is float
    assert type(Range(0, integer=True).check("x", 3.0)) is int
    assert type(Range(0.0).check("x", np.float32(0.5))) is float


def test_between_takes_a_logarithmic_scale_over_two_decades():
    assert between(1e-6, 1e-2) == Between(1e-6, 1e-2, log=True)
    assert between(1, 99) == Between(1, 99, log=False)
    assert between(0, 1) == Between(0, 1, log=False)
    assert between(1e-6, 1e-2, log=False) == Between(1e-6, 1e-2, log=False)


@pytest.mark.parametrize("ends", [(2, 1), (1, 1), (0, math.inf), (math.nan, 1), ("a", 1), (True, 2)])
def test_between_needs_two_ascending_numbers(ends):
    with pytest.raises(DialError, match=r"between\(low, high\) needs two finite numbers, low < high; got"):
        between(*ends)


def test_between_on_a_logarithmic_scale_is_positive():
    with pytest.raises(DialError, match=r"needs low > 0; got 0\. Use choice\(0, \.\.\.\)"):
        between(0, 1, log=True)


@pytest.mark.parametrize("values", [(), (0.1,), (0.1, 0.1), (1, 1.0, 2)])
def test_choice_needs_different_values(values):
    with pytest.raises(DialError, match=r"choice\(\.\.\.\) needs two or more different values; got"):
        choice(*values)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"until": 0}, r"schedule\(until=\.\.\.\) must lie in \(0, 1\], a share of the training; got 0"),
        ({"until": 1.5}, r"must lie in \(0, 1\]"),
        ({"until": "half"}, r"must lie in \(0, 1\].*got 'half'"),
        ({"shape": "steep"}, r"must be 'linear', 'cosine' or 'exponential'; got 'steep'"),
        ({"shape": "exponential"}, r"needs positive ends; got 0 and 1"),
        ({"end": math.nan}, r"schedule\(start, end\) needs two finite numbers; got 0 and nan"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(DialError, match=message):
        schedule(**{"start": 0, "end": 1, **arguments})


def test_a_linear_schedule_is_a_line_and_then_flat():
    ramp = schedule(0.0, 0.4, until=0.5)
    assert [ramp.at(progress) for progress in (0, 0.25, 0.5, 0.75, 1)] == pytest.approx([0, 0.2, 0.4, 0.4, 0.4])


def test_a_cosine_schedule_is_half_a_cosine():
    wave = schedule(1.0, 0.0, shape="cosine")
    for progress in np.linspace(0, 1, 11):
        assert wave.at(progress) == pytest.approx((1 + math.cos(math.pi * progress)) / 2)


def test_an_exponential_schedule_is_geometric():
    fall = schedule(1e-2, 1e-6, shape="exponential")
    assert [fall.at(step / 4) for step in range(5)] == pytest.approx(np.geomspace(1e-2, 1e-6, 5).tolist())


@pytest.mark.parametrize("shape", ["linear", "cosine", "exponential"])
def test_every_schedule_begins_and_ends_where_it_says(shape):
    course = schedule(0.2, 0.7, until=0.3, shape=shape)
    assert course.at(0.0) == pytest.approx(0.2)
    assert course.at(0.3) == pytest.approx(0.7)
    assert course.at(1.0) == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Between(0, 1), Between(0.0, 1.0)),
        (Choice((0, 1)), Choice((0.0, 1.0))),
        (Schedule(0, 1), Schedule(0.0, 1.0)),
        (0.5, 0.5),
    ],
)
def test_what_stands_in_a_dials_place_is_kept(value, expected):
    assert check_dial("x", Range(0.0, 1.0), value) == expected


@pytest.mark.parametrize("value", [Between(0, 2), Between(-1, 1), Choice((0.5, 2)), Schedule(0, 2), Schedule(-1, 0), 2])
def test_every_end_is_checked(value):
    with pytest.raises(DialError, match=r"Dropout.rate must lie in \[0, 1\); got"):
        check_dial("Dropout.rate", Range(0.0, 1.0, open_high=True), value)


def test_a_whole_number_follows_no_schedule():
    with pytest.raises(DialError, match="patience is a whole number and cannot follow a schedule"):
        check_dial("patience", Range(1, integer=True), Schedule(1, 5))


def test_the_first_layer_that_fits_counts():
    dial = check_dial("x", Range(0.0), {"layers.1": 1, "layers.*": 2.0, "head.weight": 3}, layers=True)
    assert dial.of("layers.1.weight") == 1.0
    assert dial.of("layers.1.sub.weight") == 1.0
    assert dial.of("layers.10.weight") == 2.0
    assert dial.of("head.weight") == 3.0
    assert dial.of("head.bias") is None
    assert hash(dial) == hash(check_dial("x", Range(0.0), dial, layers=True))


def test_a_value_per_layer_stands_only_where_there_are_layers():
    with pytest.raises(DialError, match=r"x must be a number in \[0, inf\); got \{'head': 1\}"):
        check_dial("x", Range(0.0), {"head": 1})
    with pytest.raises(DialError, match=r"x\['head'\] must lie in \[0, inf\); got -1"):
        check_dial("x", Range(0.0), {"head": -1}, layers=True)
    with pytest.raises(DialError, match=r"x\['head'\] must be a number in \[0, inf\) or a schedule; got Choice"):
        check_dial("x", Range(0.0), {"head": choice(1, 2)}, layers=True)
