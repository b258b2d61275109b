"""A layout derives what follows from its fields."""

from bridle.records import Column, Kind, Layout, Task

COLUMNS = (Column("age", missing=True), Column("pay"), Column("town", categories=("a", "b")))


def test_columns_are_numeric_or_categorical():
    layout = Layout(Kind.TABLE, Task.CLASSIFICATION, (3,), columns=COLUMNS, classes=("no", "yes", "perhaps"))
    assert layout.numeric == COLUMNS[:2]
    assert layout.categorical == COLUMNS[2:]


def test_outputs_are_one_per_class_or_one():
    assert Layout(Kind.TABLE, Task.CLASSIFICATION, (3,), classes=("no", "yes", "perhaps")).outputs == 3
    assert Layout(Kind.TABLE, Task.REGRESSION, (3,)).outputs == 1


def test_an_empty_tuple_of_categories_is_still_categorical():
    assert Column("town", categories=()).is_categorical
    assert not Column("age").is_categorical
