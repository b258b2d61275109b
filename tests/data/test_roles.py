from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from bridle.data.roles import group_numbers, time_numbers, weight_numbers
from bridle.errors import DataError


def test_groups_are_numbered():
    assert group_numbers(pl.Series("g", ["b", "a", "b"]), "data").tolist() == [1, 0, 1]
    found = group_numbers(pl.Series("g", [7, 7, 3]), "data")
    assert found[0] == found[1] != found[2]
    assert found.dtype == np.int64


def test_a_row_without_group_is_refused():
    with pytest.raises(DataError, match=r"the group column 'g' is empty in row 2 \(1 such rows\)"):
        group_numbers(pl.Series("g", ["a", None]), "data")


@pytest.mark.parametrize(
    "values",
    [
        [3, 1, 2],
        ["3", "1", "2.5"],
        [date(2026, 3, 1), date(2025, 12, 31), date(2026, 1, 1)],
        [datetime(2026, 3, 1, 1), datetime(2026, 2, 28, 23), datetime(2026, 3, 1, 0)],
        ["2026-03-01", "2025-12-31", "2026-01-01"],
        ["13.3.2026", "31.12.2025", "1.1.2026"],
        ["3/13/2026", "12/31/2025", "1/1/2026"],
        ["2026-03-01 01:00", "2026-02-28 23:00", "2026-03-01 00:00"],
        ["2026-03-01T01:00:00Z", "2026-02-28T23:00:00Z", "2026-03-01T00:00:00Z"],
    ],
)
def test_times_keep_their_order(values):
    assert np.argsort(time_numbers(pl.Series("t", values), "data")).tolist() == [1, 2, 0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["01/02/2026", "03/04/2026"], "day and month cannot be told apart. Write dates as year-month-day"),
        (["soon", "later"], "holds 'soon'; times must be numbers or dates such as 2026-01-31"),
        ([1, None], "the time column 't' is empty in row 2"),
        ([date(2026, 1, 1), None], "the time column 't' is empty in row 2"),
    ],
)
def test_times_that_cannot_be_ordered_are_refused(values, message):
    with pytest.raises(DataError, match=message):
        time_numbers(pl.Series("t", values), "data")


def test_weights():
    assert weight_numbers(pl.Series("w", ["1", "0", "2.5"]), "data").tolist() == [1, 0, 2.5]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, -1], "must hold numbers of at least 0; got '-1' in row 2"),
        (["1", "heavy"], "got 'heavy' in row 2"),
        ([1.0, float("inf")], "got 'inf' in row 2"),
        ([0, 0], "every weight in the column 'w' is 0"),
        ([1, None], "the weights column 'w' is empty in row 2"),
    ],
)
def test_weights_that_weigh_nothing_are_refused(values, message):
    with pytest.raises(DataError, match=message):
        weight_numbers(pl.Series("w", values), "data")
