"""Numbers and names as people read them; the page and the terminal share them."""

import math
import re
from typing import Any

from bridle.records import Estimate, Task

METRICS = {
    "accuracy": "accuracy",
    "auc": "ROC AUC",
    "balanced_accuracy": "balanced accuracy",
    "calibration_error": "calibration error",
    "ece": "calibration error",
    "f1": "F1",
    "log_loss": "log-loss",
    "mae": "MAE",
    "mse": "MSE",
    "precision": "precision",
    "r2": "R²",
    "recall": "recall",
    "rmse": "RMSE",
    "roc_auc": "ROC AUC",
}
LOWER = {"calibration_error", "ece", "log_loss", "mae", "mse", "rmse"}
ABBREVIATIONS = {"l1", "l2", "ema", "swa", "sam", "mcp", "scad", "kl"}
RECIPES = {
    "none": "no regularization",
    "adamw": "AdamW with decay",
    "early stopping": "early stopping only",
    "ensemble": "ensemble of the folds",
    "laplace": "L2 by marginal likelihood",
}
NOTHING = "–"


def metric_name(metric: str) -> str:
    """A metric's name in a sentence: ``log_loss`` becomes "log-loss"."""
    return METRICS.get(metric.replace("-", "_").lower(), metric.replace("_", " "))


def direction(higher_is_better: bool) -> str:
    """Which way a metric points, in words."""
    return "higher is better" if higher_is_better else "lower is better"


def regularizer_name(name: str) -> str:
    """A regularizer's name in a sentence: ``l2`` becomes "L2", ``label_smoothing`` "label smoothing"."""
    return " ".join(word.upper() if word in ABBREVIATIONS else word for word in name.split("_"))


def tested_name(name: str, task: Task, searched: bool = True) -> str:
    """The name of something tested, in full."""
    if name == "chosen":
        return "chosen recipe" if searched else "given recipe"
    if name == "floor":
        return "logistic regression" if task is Task.CLASSIFICATION else "linear regression"
    return RECIPES.get(name, name)


def number(value: float | None, digits: int = 3) -> str:
    """A number with ``digits`` significant digits and no needless zeros: 0.0812, 3e-4, 52,345."""
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "infinite" if value > 0 else "-infinite"
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if size < -3 or size >= 7:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{_trimmed(mantissa)}e{int(exponent)}"
    return _trimmed(f"{value:,.{max(0, digits - 1 - size)}f}")


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def fixed(value: float, error: float) -> str:
    """A number with as many decimals as ``error`` supports: two of its digits where it begins with 1 or 2, else one."""
    if not (math.isfinite(value) and math.isfinite(error)) or error < 1e-6:
        return number(value)
    decimals = -math.floor(math.log10(error / 3) + 1e-9)
    text = f"{value:,.{max(0, decimals)}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text


def interval(estimate: Estimate) -> str:
    """An estimate with its interval, all to the same decimals: ``0.081 [0.060, 0.101]``."""
    if estimate.low is None or estimate.high is None:
        return number(estimate.value)
    error = (estimate.high - estimate.low) / 2
    low, high = fixed(estimate.low, error), fixed(estimate.high, error)
    return f"{fixed(estimate.value, error)} [{low}, {high}]"


def spread(value: float, error: float) -> str:
    """A mean with its standard error: ``0.081 ± 0.004``."""
    if not math.isfinite(error):
        return number(value)
    return f"{fixed(value, error)} ± {fixed(error, error)}"


def sentence(text: str) -> str:
    """``text`` with a capital at the start; "log-loss" becomes "Log-loss"."""
    return text[:1].upper() + text[1:]


def count(value: int, noun: str) -> str:
    """A count with its noun: "1 seed", "1,437 rows"."""
    return f"{value:,} {noun}{'' if value == 1 else 's'}"


def times(value: int) -> str:
    """How often: "never", "once", "twice", "5 times"."""
    return ("never", "once", "twice")[value] if 0 <= value < 3 else f"{value} times"


def duration(seconds: float) -> str:
    """Wall time: "41.2 s", "3 min 20 s", "2 h 5 min"."""
    if not math.isfinite(seconds):
        return NOTHING
    if seconds < 60:
        return f"{number(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def value(item: Any) -> str:
    """Any value of a mapping for reading: numbers rounded, lists joined, nothing as a dash."""
    if item is None or item == "" or item == [] or item == ():
        return NOTHING
    if isinstance(item, bool):
        return "yes" if item else "no"
    if isinstance(item, float):
        return number(item)
    if isinstance(item, list | tuple):
        return ", ".join(value(part) for part in item)
    if isinstance(item, dict):
        return ", ".join(f"{key} {value(part)}" for key, part in item.items())
    return str(item)


def typeset(text: str) -> str:
    """``text`` with true minus signs."""
    return re.sub(r"(?<![\w\-])-(?=\d|infinite)", "−", text)


def printable(text: str) -> str:
    """``text`` without control characters and broken code points, which a terminal or a file would choke on."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "\N{REPLACEMENT CHARACTER}" for sign in text)


def shortened(text: str, length: int = 24) -> str:
    """``text`` cut to ``length`` characters, with an ellipsis where something was cut."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def arrow(metric: str, higher_is_better: bool | None = None) -> str:
    """An arrow in the direction that is better; empty for a metric whose direction is not known."""
    name = metric.replace("-", "_").lower()
    if higher_is_better is None and name in METRICS:
        higher_is_better = name not in LOWER
    return "" if higher_is_better is None else "↑" if higher_is_better else "↓"
