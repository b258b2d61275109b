"""Whether a loop ends by counting, or by something that came out in it: read from the script's text."""

import ast
from collections.abc import Iterator, Sequence
from typing import final

COUNTING = {"abs", "enumerate", "float", "int", "len", "max", "min", "range", "round", "time"}
"""Calls whose results say how far a loop has come, by the first name in the call."""


@final
class Budgets:
    """The names that a loop binds, and whether they only count.

    Args:
        loop: The loop, with everything in it.
    """

    def __init__(self, loop: ast.AST) -> None:
        self._bindings: dict[str, list[tuple[ast.expr | None, Sequence[ast.expr]]]] = {}
        self._called: set[str] = set()
        self._walk(loop, ())

    def counts(self, tests: Sequence[ast.expr]) -> bool:
        """Whether conditions look at counters and constants only, so that a loop that ends by them ends as planned."""
        return all(self._is_counted(test, frozenset()) for test in tests)

    def _walk(self, node: ast.AST, tests: tuple[ast.expr, ...]) -> None:
        for target, value in _bound(node):
            self._bindings.setdefault(ast.unparse(target), []).append((value, tests))
        if isinstance(node, ast.Call):
            self._called.add(_root(node.func))
        inner = (*tests, node.test) if isinstance(node, ast.If) else tests
        for child in ast.iter_child_nodes(node):
            self._walk(child, inner)

    def _is_counted(self, expression: ast.expr, within: frozenset[str]) -> bool:
        for node in _outermost(expression):
            path, root = ast.unparse(node), _root(node)
            if isinstance(node, ast.Call):
                if root not in COUNTING or not all(self._is_counted(item, within) for item in node.args):
                    return False
            elif path in self._bindings:
                known = path in within or all(
                    (value is None or self._is_counted(value, within | {path}))
                    and all(self._is_counted(test, within | {path}) for test in tests)
                    for value, tests in self._bindings[path]
                )
                if not known:
                    return False
            elif isinstance(node, ast.Attribute) and root in self._called and root != "self":
                return False  # an object that is called in the loop: its attributes may say what came out
        return True


def _bound(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    """What a statement binds and to what; None for what a loop runs over."""
    if isinstance(node, ast.Assign):
        yield from ((part, node.value) for target in node.targets for part in _parts(target))
    elif isinstance(node, ast.AugAssign | ast.AnnAssign | ast.NamedExpr) and node.value is not None:
        yield node.target, node.value
    elif isinstance(node, ast.For | ast.AsyncFor):
        yield from ((part, None) for part in _parts(node.target))


def _parts(target: ast.expr) -> Iterator[ast.expr]:
    if isinstance(target, ast.Tuple | ast.List):
        yield from (part for item in target.elts for part in _parts(item))
    else:
        yield target


def _outermost(expression: ast.expr) -> Iterator[ast.expr]:
    """The names, attributes and calls that an expression is made of, each whole."""
    if isinstance(expression, ast.Name | ast.Attribute | ast.Call):
        yield expression
        return
    for child in ast.iter_child_nodes(expression):
        if isinstance(child, ast.expr):
            yield from _outermost(child)


def _root(expression: ast.AST) -> str:
    while isinstance(expression, ast.Attribute | ast.Call | ast.Subscript):
        expression = expression.func if isinstance(expression, ast.Call) else expression.value
    return expression.id if isinstance(expression, ast.Name) else ""
