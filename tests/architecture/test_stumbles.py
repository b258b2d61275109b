"""Every test that docs/stumbles.md names is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = [
    line for line in (ROOT / "docs" / "stumbles.md").read_text(encoding="utf-8").splitlines() if line[2:3].isdigit()
]
NAMED = sorted({name for row in ROWS for name in re.findall(r"`((?:tests|benchmarks)/[^`]+)`", row)})


def test_there_are_forty_and_the_sum_is_right():
    assert [int(row.split("|")[1]) for row in ROWS] == list(range(1, 41))
    assert sum("`tests/" in row for row in ROWS) == 39


@pytest.mark.parametrize("name", NAMED)
def test_what_is_named_exists(name):
    file, _, test = name.partition("::")
    text = (ROOT / file).read_text(encoding="utf-8")
    assert not test or f"def {test}(" in text
