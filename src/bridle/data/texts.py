"""Cells as text: how names of categories and classes are written, whatever type the file stores them in."""

import polars as pl

MISSING = ("", "?", "-", "NA", "N/A", "na", "n/a", "NaN", "nan", "None", "null", "NULL", "<NA>")
"""Texts that mean a missing value in an input column. "Missing" is a category of its own, so nothing is lost."""

_DATE = (
    r"^(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}|\d{1,2}[- ][A-Za-z]{3}[- ]\d{4})"
    r"([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?(Z|[+-]\d{2}:?\d{2}|[AaPp][Mm]))?)?$"
)


def as_text(values: pl.Series) -> pl.Series:
    """Every cell as stripped text, whole numbers without a decimal point; an empty cell is null."""
    if values.dtype.is_float():
        values = values.fill_nan(None)
    text = values.cast(pl.String).str.strip_chars()
    if text.str.contains(".0", literal=True).any():
        text = text.str.replace(r"^([+-]?\d+)\.0+$", "$1")
    return text.set(text == "", None)


def without_markers(text: pl.Series) -> pl.Series:
    """Text with every marker of a missing value as null."""
    return text.set(text.is_in(MISSING), None)


def as_numbers(text: pl.Series) -> pl.Series:
    """Text as float64, null where it is not a number or missing."""
    return text.cast(pl.Float64, strict=False).fill_nan(None)


def look_like_dates(names: pl.Series) -> bool:
    """Whether every one of some different texts is a date, with or without a time."""
    return len(names) > 0 and bool(names.str.contains(_DATE).all())
