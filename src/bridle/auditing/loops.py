"""Tells when a script leaves one of its loops early, by ``break`` or ``return``, because of what came out in it."""

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import Any, final

from bridle.auditing.budgets import Budgets

COMPILERS = {"function", "guvectorize", "jit", "kernel", "njit", "script", "vectorize"}
"""Decorators that read or compile a function's code themselves: those functions are left as they are."""

_followers: list["Loops"] = []


@final
class Loops:
    """Follows the loops of a script.

    Args:
        begun: Called with the number of a loop each time it begins.
        left: Called with the number of a loop when it is left early; not when a counter has reached its end.
    """

    def __init__(self, begun: Callable[[int], None], left: Callable[[int], None]) -> None:
        self.begun, self.left = begun, left

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Follow them in here."""
        _followers.append(self)
        try:
            yield
        finally:
            _followers.remove(self)


def begun(loop: int) -> None:
    """Called by the script's own code before a loop."""
    for follower in _followers:
        follower.begun(loop)


def left(*loops: int) -> None:
    """Called by the script's own code where it leaves loops, the innermost first."""
    for follower in _followers:
        for loop in loops:
            follower.left(loop)


def compiled(path: Path) -> CodeType:
    """The code of a script that says where its loops begin and are left early; its lines are as they were.

    Raises:
        SyntaxError: As compiling the script itself does.
    """
    tree = ast.parse(path.read_bytes(), str(path))
    return compile(ast.fix_missing_locations(_Marked().visit(tree)), str(path), "exec", dont_inherit=True)


class _Marked(ast.NodeTransformer):
    """Puts a call before each loop, and before each statement that leaves loops under a condition."""

    def __init__(self) -> None:
        self._count = 0
        self._around: list[int] = []
        self._tests: list[tuple[int, ast.expr]] = []
        self._budgets: Budgets | None = None

    def _loop(self, node: Any) -> list[ast.stmt]:
        number, self._count = self._count, self._count + 1
        if not self._around:
            self._budgets = Budgets(node)
        self._around.append(number)
        node.body = [marked for part in node.body for marked in _listed(self.visit(part))]
        self._around.pop()
        node.orelse = [marked for part in node.orelse for marked in _listed(self.visit(part))]
        return [_call("begun", [number], node), node]

    visit_For = visit_AsyncFor = visit_While = _loop

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
        return [_call("left", loops, node), node]


def _listed(found: Any) -> list[ast.stmt]:
    return found if isinstance(found, list) else [found]


def _name(decorator: ast.expr) -> str:
    inner = decorator.func if isinstance(decorator, ast.Call) else decorator
    return inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "id", "")


def _call(name: str, numbers: list[int], place: ast.stmt) -> ast.stmt:
    """A call of this file's function that needs no name in the script's own space."""
    source = f"__import__({__name__!r}, fromlist=[{name!r}]).{name}({', '.join(map(str, numbers))})"
    call = ast.parse(source).body[0]
    for node in ast.walk(call):
        ast.copy_location(node, place)
    return call
