import math

import pytest

from bridle.records import Estimate, Task
from bridle.report import wording


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.08123, "0.0812"),
        (0.02, "0.02"),
        (3e-4, "3e-4"),
        (-1.5e-7, "-1.5e-7"),
        (0.001, "0.001"),
        (0.0, "0"),
        (10.0, "10"),
        (1797, "1,797"),
        (52345.4, "52,345"),
        (123.456, "123"),
        (2.5e9, "2.5e9"),
        (math.nan, "–"),
        (None, "–"),
        (math.inf, "infinite"),
        (-math.inf, "-infinite"),
    ],
)
def test_numbers_have_three_significant_digits(value, said):
    assert wording.number(value) == said


@pytest.mark.parametrize(
    ("estimate", "said"),
    [
        (Estimate(0.0812, 0.0601, 0.1009), "0.081 [0.060, 0.101]"),
        (Estimate(0.9991, 0.9987, 0.9995), "0.9991 [0.9987, 0.9995]"),
        (Estimate(0.03, 0.011, 0.049), "0.030 [0.011, 0.049]"),
        (Estimate(52345.0, 50945.0, 53745.0), "52,345 [50,945, 53,745]"),
        (Estimate(0.004, -0.002, 0.009), "0.004 [-0.002, 0.009]"),
        (Estimate(0.5, -0.0001, 1.0), "0.5 [0.0, 1.0]"),
        (Estimate(0.5, 0.5, 0.5), "0.5 [0.5, 0.5]"),
        (Estimate(0.25), "0.25"),
    ],
)
def test_an_interval_sets_the_decimals_of_all_three_numbers(estimate, said):
    assert wording.interval(estimate) == said


def test_a_standard_error_sets_the_decimals():
    assert wording.spread(0.08331, 0.0062) == "0.083 ± 0.006"
    assert wording.spread(0.0901, 0.0028) == "0.0901 ± 0.0028"
    assert wording.spread(0.5, math.nan) == "0.5"


def test_durations():
    assert wording.duration(0.5) == "0.5 s"
    assert wording.duration(131.8) == "2 min 12 s"
    assert wording.duration(59.9) == "59.9 s"
    assert wording.duration(3600 * 2 + 300) == "2 h 5 min"
    assert wording.duration(math.nan) == "–"


@pytest.mark.parametrize(("times", "said"), [(0, "never"), (1, "once"), (2, "twice"), (7, "7 times")])
def test_how_often(times, said):
    assert wording.times(times) == said


def test_names():
    assert wording.metric_name("log_loss") == "log-loss"
    assert wording.metric_name("log-loss") == "log-loss"
    assert wording.metric_name("my_metric") == "my metric"
    assert wording.regularizer_name("l2") == "L2"
    assert wording.regularizer_name("label_smoothing") == "label smoothing"
    assert wording.regularizer_name("activation_l1") == "activation L1"
    assert wording.tested_name("floor", Task.REGRESSION) == "linear regression"
    assert wording.tested_name("floor", Task.CLASSIFICATION) == "logistic regression"
    assert wording.tested_name("chosen", Task.REGRESSION, searched=False) == "given recipe"
    assert wording.tested_name("my baseline", Task.REGRESSION) == "my baseline"


def test_arrows_point_to_the_better_side():
    assert wording.arrow("rmse") == "↓"
    assert wording.arrow("accuracy") == "↑"
    assert wording.arrow("unheard_of") == ""
    assert wording.arrow("unheard_of", higher_is_better=False) == "↓"


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (None, "–"),
        ((), "–"),
        (True, "yes"),
        (0.000123, "1.23e-4"),
        (0, "0"),
        ([1, 2], "1, 2"),
        ({"low": 1e-6}, "low 1e-6"),
        ("text", "text"),
    ],
)
def test_values_of_any_kind(item, said):
    assert wording.value(item) == said


def test_minus_signs_are_set_but_hyphens_stay():
    assert wording.typeset("log-loss -0.5 [-1, 3e-4]") == "log-loss −0.5 [−1, 3e-4]"


def test_control_characters_become_visible():
    assert wording.printable("a\x1b[31m\udcff猫\n") == "a�[31m�猫\n"


def test_long_names_are_cut():
    assert wording.shortened("short") == "short"
    assert wording.shortened("x" * 30, 10) == "x" * 9 + "…"
