"""Which part of a ``while`` loop's condition ended it: a counter, or something that came out in it."""

import ast
from collections.abc import Callable, Sequence
from typing import final

RUNTIME = "bridle.auditing.loops"
"""Where the functions are that a followed script calls."""


@final
class Condition:
    """A loop's condition, made to tell which of its parts ended the loop, without evaluating anything twice.

    Of ``epoch < 100 and not stopper.stop`` the counter passes through a function that keeps its value; afterwards
    ``counter(...) and not False`` says whether the loop would have gone on but for what came out in it.

    Args:
        loop: The number of the loop.
        counts: Whether an expression looks at counters and constants only.
    """

    def __init__(self, loop: int, counts: Callable[[ast.expr], bool]) -> None:
        self._loop, self._counts, self._parts = loop, counts, 0

    def told(self, test: ast.expr, goes_on: bool = True) -> tuple[ast.expr, ast.expr]:
        """What to evaluate in the place of ``test``, and what afterwards says whether a result ended the loop.

        Args:
            test: The condition, or a part of it.
            goes_on: The value of it that lets the loop go on: False behind a ``not``.
        """
        if isinstance(test, ast.BoolOp):
            pairs = [self.told(part, goes_on) for part in test.values]
            joined, after = ([pair[side] for pair in pairs] for side in (0, 1))
            return ast.copy_location(ast.BoolOp(test.op, joined), test), ast.BoolOp(test.op, after)
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            inner, inner_after = self.told(test.operand, not goes_on)
            return ast.copy_location(ast.UnaryOp(test.op, inner), test), ast.UnaryOp(test.op, inner_after)
        if not self._counts(test):
            return test, ast.Constant(goes_on)
        self._parts += 1
        asked = call_of("counted", [*constants(self._loop, self._parts, place=test), test], test)
        return asked, call_of("counter", constants(self._loop, self._parts, goes_on, place=test), test)


def constants(*values: int, place: ast.AST) -> list[ast.expr]:
    """Values as expressions that stand where ``place`` does."""
    return [ast.copy_location(ast.Constant(value), place) for value in values]


def call_of(name: str, arguments: Sequence[ast.expr], place: ast.AST) -> ast.Call:
    """A call of a function of ``loops.py`` that needs no name in the script's own space."""
    function = ast.parse(f"__import__({RUNTIME!r}, fromlist=[{name!r}]).{name}", mode="eval").body
    for node in ast.walk(function):
        ast.copy_location(node, place)
    return ast.copy_location(ast.Call(function, list(arguments), []), place)
