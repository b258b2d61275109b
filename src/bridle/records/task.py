"""The two questions that Bridle answers."""

from enum import StrEnum


class Task(StrEnum):
    """What is predicted: one of several classes, or a number."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"
