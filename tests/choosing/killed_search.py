"""A search that is killed with SIGKILL after some commits to its database, in child processes; prints what was found.

``killed_search.py FOLDER COMMITS...`` starts one child after another on the same study, each killed after so many
commits of its own; 0 lets the search end. Forks of one warm process spare importing everything each time.
"""

import json
import math
import os
import signal
import sys
from pathlib import Path

import sqlalchemy

from bridle.choosing.budget import Budget
from bridle.choosing.sampling import open_study
from bridle.choosing.strategy import search
from bridle.core import Recipe, Training, between
from bridle.records import Curves, Outcome
from bridle.regularizers.penalties import L1, L2

SPACE = Recipe(
    L2(between(1e-6, 1e-2)),
    L1(between(1e-6, 1e-2), optional=True),
    training=Training(learning_rate=between(1e-4, 1e-1), epochs=2),
)


def evaluate(asked):
    results = {}
    for number, recipe in asked:
        score = (math.log10(recipe.training.learning_rate) + 3) ** 2 + len(recipe.regularizers)
        results[number] = (Outcome(number, 0, 0, Curves({"score": [score + 1, score]})),)
    return results


def run(folder, commits):
    """The whole search, or as much of it as so many commits allow; what was found is written to a file."""
    left = [commits]

    def count(connection):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sqlalchemy.event.listen(sqlalchemy.Engine, "commit", count)
    with open_study(folder / "study.db", "search", 7, higher_is_better=False) as study:
        found = search(SPACE, evaluate, study=study, budget=Budget(trials=15), first=[{"l1.active": False}])
    (folder / "found.json").write_text(json.dumps([(item.number, item.dials, item.score) for item in found]))


def main(folder, *depths):
    """One child per depth; the exit statuses as a list, -9 for killed."""
    open_study(Path(folder) / "warm.db", "warm", 0, higher_is_better=False).close()
    statuses = []
    for commits in map(int, depths):
        child = os.fork()
        if child == 0:
            run(Path(folder), commits)
            os._exit(0)
        statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    return statuses


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:])))
