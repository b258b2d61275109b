"""A search that is killed with SIGKILL after some commits to its database, in child processes; prints what was found.

``killed_search.py STRATEGY FOLDER COMMITS...`` starts one child after another on the same study, each killed after so
many commits of its own; 0 lets the search end. Forks of one warm process spare importing everything each time.
"""

import json
import math
import os
import signal
import sys
from pathlib import Path as Folder

import sqlalchemy

from bridle.choosing.budget import Budget
from bridle.choosing.sampling import open_study
from bridle.choosing.strategies import TPE, Grid, Halving, Hyperband, Path, Random
from bridle.choosing.strategy import search
from bridle.core import Recipe, Training, between
from bridle.records import Curves, Outcome
from bridle.regularizers.penalties import L1, L2

SPACE = Recipe(
    L2(between(1e-6, 1e-2)),
    L1(between(1e-6, 1e-2), optional=True),
    training=Training(learning_rate=between(1e-4, 1e-1), epochs=9),
)
STRATEGIES = {
    "tpe": TPE(),
    "random": Random(),
    "grid": Grid(2),
    "halving": Halving(rungs=2, size=6),
    "hyperband": Hyperband(),
    "path": Path("l2.strength", [1e-5 * 2**step for step in range(9)], {"training.learning_rate": 1e-2}),
}


def evaluate(asked, until=0, keep=False, warm=None):
    """Nine epochs towards a score; a later start is a better one."""
    results = {}
    for number, recipe in asked:
        score = (math.log10(recipe.training.learning_rate) + 3) ** 2 + len(recipe.regularizers) - (warm or 0) / 100
        curve = [score + 9 - epoch + recipe.regularizers[0].strength for epoch in range(9)]
        results[number] = (Outcome(number, 0, 0, Curves({"score": curve[: until or None]})),)
    return results


def run(name, folder, commits):
    """The whole search, or as much of it as so many commits allow; what was found is written to a file."""
    left = [commits]

    def count(connection):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sqlalchemy.event.listen(sqlalchemy.Engine, "commit", count)
    space = SPACE if name != "path" else Recipe(SPACE.regularizers[0], training=SPACE.training)
    first = [{"l1.active": False}]
    with open_study(folder / "study.db", "search", 7, higher_is_better=False) as study:
        found = search(space, evaluate, study=study, strategy=STRATEGIES[name], budget=Budget(trials=15), first=first)
    lines = [(item.number, item.dials, item.score, item.until, item.warm) for item in found]
    (folder / "found.json").write_text(json.dumps(lines))


def main(name, folder, *depths):
    """One child per depth; the exit statuses as a list, -9 for killed."""
    open_study(Folder(folder) / "warm.db", "warm", 0, higher_is_better=False).close()
    statuses = []
    for commits in map(int, depths):
        child = os.fork()
        if child == 0:
            run(name, Folder(folder), commits)
            os._exit(0)
        statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    return statuses


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:])))
