"""Conditions of counters and constants are told from those of results."""

import ast

import pytest

from bridle.auditing.budgets import Budgets

LOOP = """
for epoch, (x, y) in enumerate(loader):
    step += 1
    if step % 10 == 0:
        checks += 1
    loss = train(x)
    total = step * 2
    if loss < best:
        best, at, wait = loss, epoch, 0
    else:
        wait += 1
        self.wait += 1
    stopper(loss)
    self.steps += 1
    trainer.run(x)
    self.train(x)
    finished: bool = step > limit
"""


@pytest.mark.parametrize(
    ("condition", "counts"),
    [
        ("epoch >= 3", True),
        ("step > args.limit and total > 7", True),
        ("checks == 2", True),
        ("finished", True),
        ("self.steps >= self.limit", True),
        ("time.time() - start > 60", True),
        ("max(step, len(history)) > 5", True),
        ("constant", True),
        ("loss < 0.1", False),
        ("wait >= patience", False),
        ("self.wait >= self.patience", False),
        ("epoch - at > 3", False),
        ("stopper.stop", False),
        ("stopper(loss)", False),
        ("evaluate() < 2", False),
        ("max(step, loss) > 5", False),
    ],
)
def test_conditions(condition, counts):
    budgets = Budgets(ast.parse(LOOP).body[0])
    assert budgets.counts([ast.parse(condition, mode="eval").body]) is counts


def test_all_conditions_must_count():
    budgets, tests = Budgets(ast.parse(LOOP).body[0]), [ast.parse(text, mode="eval").body for text in ("step", "wait")]
    assert not budgets.counts(tests)
    assert budgets.counts(tests[:1])
    assert budgets.counts([])
