"""Spellings such as ``keras.L2(0.01)``, read with the parser of Python: literals only, nothing is evaluated."""

import ast
import math
import re
from collections.abc import Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

from bridle.core.conventions.convention import QUANTITIES, Convention
from bridle.core.conventions.table import CONVENTIONS
from bridle.core.dials import Range
from bridle.errors import ConventionError

# Arguments that stand in calls which people paste, and do not enter a strength in any row.
NEUTRAL = frozenset(
    (
        *("params", "dampening", "nesterov", "foreach", "fused", "maximize", "betas", "eps", "amsgrad"),
        *("epsilon", "beta_1", "beta_2", "sqr_mom", "output_dir", "M", "hidden_dims"),
        *("fit_intercept", "solver", "tol", "max_iter", "selection", "random_state", "hidden_layer_sizes"),
        *("activation", "family", "standardize", "intercept"),
    )
)
# `lambda` is a word of Python's, but the name of the strength in half of the literature.
_LAMBDAS = ("lambda", "lambda_", "lambd", "lmbda", "reg_lambda")


def read_call(text: str) -> tuple[Convention, dict[str, Any], dict[str, Any]]:
    """The convention that a call spells, its arguments and the quantities in it.

    Raises:
        ConventionError: If it is no call of a known convention with literal arguments.
        DialError: If a number is out of its bounds.
    """
    try:
        call = ast.parse(re.sub(r"\blambda\s*=", "lambda_=", text.strip()), mode="eval").body
        if not isinstance(call, ast.Call) or any(item.arg is None for item in call.keywords):
            raise ValueError
        name = ast.unparse(call.func)
        positional = [_literal(node) for node in call.args]
        keywords = {str(item.arg): _literal(item.value) for item in call.keywords}
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        raise ConventionError(
            f"A strength is written as a call with numbers, such as keras.L2(0.01) or "
            f"torch.SGD(weight_decay=1e-4, momentum=0.9); got {text!r}."
        ) from None
    convention = find(name)
    return convention, *bind(convention, positional, keywords)


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Name) and node.id in ("inf", "Inf"):
        return math.inf
    if isinstance(node, ast.Name) and node.id in ("TRUE", "FALSE"):
        return node.id == "TRUE"
    return ast.literal_eval(node)


def write_call(name: str, arguments: Mapping[str, Any]) -> str:
    """The call that spells these arguments."""
    return f"{name}({', '.join(f'{key}={_number(value)}' for key, value in arguments.items())})"


def _number(value: Any) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def find(name: str) -> Convention:
    """The row that a dotted name means; modules in between may stand there (``torch.optim.SGD``).

    Raises:
        ConventionError: If there is none; the message names the nearest.
    """
    parts = name.removeprefix("tf.keras").removeprefix("tensorflow.keras").strip(".").split(".")
    if name.startswith(("tf.keras", "tensorflow.keras")):
        parts = ["keras", *parts]
    short = f"{parts[0]}.{parts[-1]}" if len(parts) > 1 else parts[0]
    for row in CONVENTIONS.values():
        if row.name.lower() == short.lower():
            return row
    for row in CONVENTIONS.values():
        if any(fnmatchcase(short, pattern) for pattern in row.also):
            return row
    same = [row for row in CONVENTIONS if row.rpartition(".")[2].lower() == parts[-1].lower()]
    near = same or get_close_matches(short, CONVENTIONS, n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"Known are {', '.join(CONVENTIONS)}."
    raise ConventionError(f"There is no convention called {name!r}. {hint}")


def bind(
    convention: Convention, positional: list[Any], keywords: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arguments of a call by name, checked, and the quantities among them.

    Raises:
        ConventionError: If one is unknown, given twice or missing.
        DialError: If a number is out of its bounds.
    """
    known = list(convention.arguments)
    if (positional and convention.by_name) or len(positional) > len(known):
        raise ConventionError(
            f"{convention.name} takes {' and '.join(known) or 'no argument'}"
            f"{' by name' if convention.by_name else ''}; got {len(positional)} without a name."
        )
    aliases = {other: name for name, quantity in QUANTITIES.items() for other in quantity.also}
    if "lambda" in known:
        aliases |= dict.fromkeys(_LAMBDAS, "lambda")
    arguments: dict[str, Any] = dict(zip(known, positional, strict=False))
    quantities: dict[str, Any] = {}
    for word, value in keywords.items():
        name = word if word in known else aliases.get(word, word)
        if name in arguments or name in quantities:
            raise ConventionError(f"{convention.name} was given {name} twice.")
        if name in known:
            arguments[name] = value
        elif name in QUANTITIES:
            quantities[name] = QUANTITIES[name].bounds.check(f"{convention.name}: {name}", value)
        elif name not in NEUTRAL:
            allowed = [*known, *QUANTITIES]
            near = get_close_matches(name, allowed, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ConventionError(
                f"{convention.name} has no argument {name!r} that a strength is made of.{hint} "
                f"Known are {', '.join(allowed)}."
            )
    return _checked(convention, arguments), quantities


def _checked(convention: Convention, arguments: dict[str, Any]) -> dict[str, Any]:
    checked = {}
    for name, default in convention.arguments.items():
        if name not in arguments and default is None and convention.states:
            raise ConventionError(
                f"{convention.name} needs a value for {name}, such as {convention.name}({name}=0.01)."
            )
        value = arguments.get(name, default)
        where = f"{convention.name}: {name}"
        if isinstance(default, bool) or name == "weight_decouple":
            if not isinstance(value, bool):
                raise ConventionError(f"{where} must be True or False; got {value!r}.")
        elif convention.states:
            value = _bounded(where, name, value)
        checked[name] = value
    return checked


def _bounded(where: str, name: str, value: Any) -> float:
    """A strength is zero or more; a share of L1 is at most 1; an inverse strength or a temperature is not zero."""
    if name == "C" and value == math.inf:
        return math.inf
    if name == "l1_ratio" or (name == "alpha" and where.startswith("glmnet:")):
        return Range(0.0, 1.0).check(where, value)
    return Range(0.0, open_low=name in ("C", "temperature")).check(where, value)
