"""The page for readers is the table."""

from pathlib import Path

from bridle.core.conventions import CONVENTIONS
from bridle.core.conventions.page import page

PAGE = Path(__file__).resolve().parents[3] / "docs" / "conventions.md"


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "write it again: python -m bridle.core.conventions.page > docs/conventions.md"
    )


def test_every_row_is_on_it():
    text = page()
    assert [name for name in CONVENTIONS if f"`{name}" not in text] == []
