"""Compiles a script so that it says where its loops begin and are ended early; its lines are as they were."""

import ast
from collections.abc import Iterator, Sequence
from itertools import count
from types import CodeType
from typing import Any

from bridle.auditing.budgets import Budgets
from bridle.auditing.conditions import Condition, call_of, constants

COMPILERS = {"function", "guvectorize", "jit", "kernel", "njit", "script", "vectorize"}
"""Decorators that read or compile a function's code themselves: those functions are left as they are."""


def compiled(source: bytes, path: str, numbers: Iterator[int] | None = None) -> CodeType:
    """The code of a script or module, with calls of ``loops.py`` in it.

    Args:
        source: Its text.
        path: Where that is from.
        numbers: Gives each loop a number; those of modules that run together must differ.

    Raises:
        SyntaxError: As compiling the source itself does.
    """
    tree = _Marked(numbers or count()).visit(ast.parse(source, path))
    return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)


class _Marked(ast.NodeTransformer):
    """Puts a call before each loop that a result may end, and where it does."""

    def __init__(self, numbers: Iterator[int]) -> None:
        self._numbers = numbers
        self._around: list[int] = []
        self._tests: list[tuple[int, ast.expr]] = []
        self._budgets: Budgets | None = None
        self._ended: set[int] = set()

    def _loop(self, node: Any) -> Any:
        number = next(self._numbers)
        if not self._around:
            self._budgets = Budgets(node)
        self._around.append(number)
        node.body = [marked for part in node.body for marked in _listed(self.visit(part))]
        self._around.pop()
        node.orelse = [marked for part in node.orelse for marked in _listed(self.visit(part))]
        if isinstance(node, ast.While):
            self._condition(node, number)
        return [_statement("begun", [number], node), node] if number in self._ended else node

    visit_For = visit_AsyncFor = visit_While = _loop

    def _condition(self, node: ast.While, number: int) -> None:
        """Where the loop's own condition ends it, its ``else`` asks whether that was a result."""
        budgets = self._budgets
        if budgets is None or budgets.counts([node.test]):
            return
        place = node.test
        node.test, ended = Condition(number, lambda part: budgets.counts([part])).told(place)
        end = ast.Expr(call_of("ended", [*constants(number, place=place), ended], place))
        for made in ast.walk(end):
            ast.copy_location(made, place)
        node.orelse.insert(0, end)
        self._ended.add(number)

    def _space(self, node: Any) -> Any:
        """A function or a class: the loops around it are not those that it leaves."""
        if any(_name(decorator) in COMPILERS for decorator in node.decorator_list):
            return node
        outside, self._around, self._tests, self._budgets = (self._around, self._tests, self._budgets), [], [], None
        self.generic_visit(node)
        self._around, self._tests, self._budgets = outside
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _space

    def visit_If(self, node: ast.If) -> ast.If:
        self._tests.append((len(self._around), node.test))
        self.generic_visit(node)
        self._tests.pop()
        return node

    def visit_Break(self, node: ast.Break) -> Any:
        return self._leaving(node, len(self._around), self._around[-1:])

    def visit_Return(self, node: ast.Return) -> Any:
        return self._leaving(node, 1, self._around[::-1])

    def _leaving(self, node: ast.stmt, depth: int, loops: list[int]) -> Any:
        tests = [test for around, test in self._tests if around >= depth]
        if not loops or not tests or self._budgets is None or self._budgets.counts(tests):
            return node
        self._ended.update(loops)
        return [_statement("left", loops, node), node]


def _listed(found: Any) -> list[ast.stmt]:
    return found if isinstance(found, list) else [found]


def _name(decorator: ast.expr) -> str:
    inner = decorator.func if isinstance(decorator, ast.Call) else decorator
    return inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "id", "")


def _statement(name: str, numbers: Sequence[int], place: ast.stmt) -> ast.stmt:
    return ast.copy_location(ast.Expr(call_of(name, constants(*numbers, place=place), place)), place)
