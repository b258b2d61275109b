from datetime import date

import polars as pl
import pytest

from bridle.data.texts import as_numbers, as_text, look_like_dates, without_markers


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([" a ", "", None, "b"], ["a", None, None, "b"]),
        ([1.0, 2.0, float("nan")], ["1", "2", None]),
        ([1.5, 2.0], ["1.5", "2"]),
        ([1, -2], ["1", "-2"]),
        ([True, False], ["true", "false"]),
        (["1.0", "x"], ["1", "x"]),
        (["01", "1.05"], ["01", "1.05"]),
    ],
)
def test_as_text(values, expected):
    assert as_text(pl.Series(values)).to_list() == expected


def test_markers_of_missing_values():
    text = pl.Series(["?", "NA", "a", None, "-", "-1"])
    assert without_markers(text).to_list() == [None, None, "a", None, None, "-1"]


def test_as_numbers():
    assert as_numbers(pl.Series(["1", "-2.5e3", "x", None])).to_list() == [1, -2500, None, None]


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31",
        "2026/1/31",
        "31.01.2026",
        "1/31/2026",
        "31-Jan-2026",
        "2026-01-31 12:30",
        "2026-01-31T12:30:05.123Z",
        "2026-01-31 12:30:05 +01:00",
        str(date(2026, 1, 31)),
    ],
)
def test_dates_are_recognised(text):
    assert look_like_dates(pl.Series([text]))


@pytest.mark.parametrize("text", ["1.5", "10-20", "2026", "12:30", "a-b-c", "192.168.1.1"])
def test_other_texts_are_no_dates(text):
    assert not look_like_dates(pl.Series([text]))


def test_no_texts_are_no_dates():
    assert not look_like_dates(pl.Series([], dtype=pl.String))
