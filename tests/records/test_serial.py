"""Records to JSON and back: every field, every odd number, and what a damaged file says."""

import dataclasses
import json
import math
import types
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridle import records
from bridle.errors import RunError
from bridle.records import Curves, DataSummary, Estimate, Evidence, Finding, Kind, Layout, Outcome, Severity, Task
from bridle.records.serial import dumps, from_plain, loads, to_plain

QUIET = settings(derandomize=True, database=None, deadline=None, max_examples=25)
RECORDS = [
    record
    for record in vars(records).values()
    if isinstance(record, type) and dataclasses.is_dataclass(record) and record is not records.Fold
]


def values(kind: Any) -> st.SearchStrategy:
    """Any value of an annotated type."""
    origin, arguments = get_origin(kind), get_args(kind)
    if dataclasses.is_dataclass(kind):
        return st.builds(kind, **{name: values(hint) for name, hint in get_type_hints(kind).items()})
    if origin in (Union, types.UnionType):
        return st.one_of([st.none() if option is types.NoneType else values(option) for option in arguments])
    if origin is tuple:
        if Ellipsis in arguments:
            return st.lists(values(arguments[0]), max_size=2).map(tuple)
        return st.tuples(*(values(argument) for argument in arguments))
    if origin is list:
        return st.lists(values(arguments[0]), max_size=3)
    if origin is dict:
        return st.dictionaries(st.text(max_size=3), values(arguments[1]), max_size=2)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    plain = {int: st.integers(), bool: st.booleans(), str: st.text(max_size=5), Any: st.integers() | st.text()}
    return st.floats(allow_nan=False) if kind is float else plain[kind]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_every_record_survives(record):
    @QUIET
    @given(values(record))
    def check(made):
        text = dumps(made)
        json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
        assert loads(record, text) == made

    check()


def test_a_nan_in_a_list_survives():
    curves = loads(Curves, dumps(Curves({"score": [0.5, math.nan, math.inf, -math.inf]})))
    assert curves.series["score"][0] == 0.5
    assert math.isnan(curves.series["score"][1])
    assert curves.series["score"][2:] == [math.inf, -math.inf]


def test_a_missing_bound_stays_missing():
    assert loads(Estimate, dumps(Estimate(1.0))) == Estimate(1.0, None, None)
    assert math.isnan(loads(Estimate, dumps(Estimate(math.nan))).value)


def test_numpy_numbers_become_plain_ones():
    plain = to_plain(Finding("a", Severity.WARNING, "b", {"x": np.float32(0.5), "n": np.int64(3), "all": [np.True_]}))
    assert plain == {"name": "a", "severity": "warning", "message": "b", "numbers": {"x": 0.5, "n": 3, "all": [True]}}
    assert type(plain["numbers"]["n"]) is int


def test_enums_come_back_as_themselves():
    layout = Layout(Kind.TABLE, Task.REGRESSION, (3,))
    again = loads(Layout, dumps(layout))
    assert again.kind is Kind.TABLE
    assert again.task is Task.REGRESSION
    assert again == layout


def test_text_is_kept_as_it_is():
    assert "größe" in dumps(Finding("größe", Severity.INFO, ""))


OUTCOME = to_plain(Outcome(1, 2, 3, Curves({"score": [0.5]})))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda plain: plain | {"colour": 1},
            r"evidence has unknown fields \['colour'\]; allowed are .*newer Bridle\?",
        ),
        (
            lambda _: {"fold": 1},
            r"evidence lacks the fields \['candidate', 'curves', 'seed'\]. The file was changed",
        ),
        (lambda plain: [plain], r"evidence must be a mapping; got \[.*The file was changed by hand or damaged\."),
        (lambda plain: plain | {"curves": 3}, r"evidence.curves must be a mapping; got 3"),
        (lambda plain: plain | {"curves": {"series": 3}}, r"evidence.curves.series must be a mapping; got 3"),
        (lambda plain: plain | {"curves": {"series": {"a": 3}}}, r"evidence.curves.series must be a list; got 3"),
        (lambda plain: plain | {"findings": 3}, r"evidence.findings must be a list; got 3"),
        (lambda plain: plain | {"findings": [{"name": 1}]}, r"evidence.findings lacks the fields"),
        (lambda plain: plain | {"steps": 2.5}, r"evidence.steps must be a whole number; got 2.5"),
        (lambda plain: plain | {"failure": 3}, r"evidence.failure must be a text; got 3"),
        (lambda plain: plain | {"seconds": True}, r"evidence.seconds must be a number; got True"),
        (lambda plain: plain | {"seconds": "long"}, r"evidence.seconds must be a number; got 'long'"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    with pytest.raises(RunError, match=message):
        from_plain(Outcome, change(OUTCOME), "evidence")


def test_an_unknown_word_is_refused():
    plain = to_plain(Finding("a", Severity.INFO, "b")) | {"severity": "grave"}
    with pytest.raises(RunError, match=r"record.severity must be one of info, warning, error; got 'grave'"):
        from_plain(Finding, plain)


def test_what_is_no_json_is_refused():
    with pytest.raises(RunError, match=r"evidence.json is not valid JSON .* The file was changed by hand or damaged"):
        loads(Evidence, "{", "evidence.json")


def test_defaults_fill_what_is_absent():
    given_only = {"name": "d", "fingerprint": "0", "kind": "table", "shape": [3], "target": "y"}
    summary = from_plain(DataSummary, given_only | {"classes": [], "rows": {}, "counts": {}})
    assert summary.notes == ()
    assert summary.shape == (3,)
