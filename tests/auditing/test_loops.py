"""A script's loops say where they begin and when they are ended early; the script does what it did."""

import pytest

from bridle.auditing.loops import Loops
from bridle.auditing.marked import compiled

COMMON = (
    '"""Text."""\nfrom __future__ import annotations\nimport time\nseen = []\ndef measure(value): return value * 2\n'
)


@pytest.fixture
def events(tmp_path):
    """What a script tells, and its variables."""

    def run(text):
        path, told = tmp_path / "script.py", []
        path.write_text(COMMON + text)
        space = {"__name__": "__main__"}
        with Loops(lambda loop: told.append(("begun", loop)), lambda loop: told.append(("left", loop))).followed():
            exec(compiled(path.read_bytes(), str(path)), space)
        return told, space

    return run


def test_a_loop_that_is_left_for_what_came_out(events):
    told, space = events("for i in range(9):\n    if measure(i) > 5:\n        break\nelse:\n    i = -1\n")
    assert told == [("begun", 0), ("left", 0)]
    assert space["i"] == 3
    assert space["__doc__"] == "Text."


@pytest.mark.parametrize(
    "text",
    [
        "for i in range(9):\n    if i >= 4: break\n",
        "step = 0\nwhile True:\n    step += 1\n    if step > 3: break\n",
        "done = False\nwhile True:\n    done = len(seen) > 3\n    seen.append(1)\n    if done: break\n",
        "start = time.time()\nfor i in range(9):\n    if time.time() - start > -1: break\n",
        "for i in range(3): pass\n",
        "step = 0\nwhile step < 4:\n    step += 1\n",
        "step = 0\nwhile measure(step) < 4 and step < 1:\n    step += 1\n",
        "step = 0\nwhile step < 1 and measure(step) < 4:\n    step += 1\n",
        "step = 0\nwhile not (step >= 1 or measure(step) > 4):\n    step += 1\n",
        "step = 0\nwhile not (step >= 1 or not measure(step) < 9) and (step < 1 or measure(0)):\n    step += 1\n",
        "for i in range(3):\n    break\n",
    ],
)
def test_counters_and_clocks_are_no_early_end(events, text):
    assert not any(what == "left" for what, _ in events(text)[0])


def test_loops_that_nothing_ends_early_are_left_alone(events):
    assert events("for i in range(3): pass\nwhile i:\n    i -= 1\n")[0] == []


@pytest.mark.parametrize(
    "text",
    [
        "best, wait = 9, 0\nfor i in range(9):\n    if measure(1) < best:\n        best, wait = measure(1), 0\n"
        "    else:\n        wait += 1\n    if wait >= 2: break\n",
        "best, at = 9, 0\nfor i in range(9):\n    if measure(1) < best:\n        best, at = measure(1), i\n"
        "    if i - at > 2: break\n",
        "class Stop:\n    end = False\n    def __call__(self, value): self.end = value > 4\nstop = Stop()\n"
        "for i in range(9):\n    stop(i)\n    if stop.end: break\n",
        "for i in range(9):\n    stop = measure(i) > 3\n    if stop: break\n",
        "patience = 3\nwhile patience > 0:\n    if measure(1) > 1: patience -= 1\n",
        "step, stop = 0, False\nwhile not stop and step < 9:\n    step += 1\n    stop = measure(step) > 4\n",
        "step = 0\nwhile step < 9 and measure(step) < 4:\n    step += 1\n",
        "step = 0\nwhile not (step >= 9 or measure(step) > 4):\n    step += 1\n",
        "step = 0\nwhile not (measure(1) and step < 9):\n    step += 1\n",
        "step = 0\nwhile step < 2 or measure(step) < 8:\n    step += 1\n",
        "step = 0\nwhile measure(step) < 4:\n    step += 1\nelse:\n    step = -1\n",
        "step = 0\nwhile not step > 8 and step < 9 and measure(step) < 4:\n    step += 1\n",
        "step = 0\nwhile not (measure(1) > 1 or step >= 9):\n    step += 1\n",
    ],
    ids=[
        *["patience", "best epoch", "an object", "a flag", "patience counts down", "stop before counter"],
        *["counter before result", "neither", "not both", "one of both", "with else"],
        *["two counters", "a counter that is never asked"],
    ],
)
def test_patience_is_an_early_end(events, text):
    assert events(text)[0] == [("begun", 0), ("left", 0)]


def test_return_leaves_all_loops_of_its_function(events):
    text = "def f():\n    for i in range(3):\n        while True:\n            if measure(i) == 2: return i\n"
    told, space = events(f"{text}            break\nfor _ in range(1):\n    found = f()\n")
    assert told == [("begun", 0), ("begun", 1), ("begun", 1), ("left", 1), ("left", 0)]
    assert space["found"] == 1


def test_conditions_are_evaluated_once_and_in_their_order(events):
    text = (
        "class Truth:\n    def __init__(self, name, truth): self.name, self.truth = name, truth\n"
        "    def __bool__(self): seen.append(self.name); return self.truth\n"
        "step = 0\n"
        "while Truth('a', step < 2) and (measure(step) > 9 or not Truth('b', step > 8)) and len(seen) < 99:\n"
        "    step += 1\n    seen.append(step)\n"
        "else:\n    seen.append('else')\n"
    )
    told, space = events(text)
    assert space["seen"] == ["a", "b", 1, "a", "b", 2, "a", "else"]
    assert told == [("begun", 0), ("left", 0)]


def test_a_loop_that_runs_again_forgets_its_counters(events):
    text = (
        "def f(go, total):\n    step = 0\n    while go and step < total:\n        go = measure(go) < 9\n"
        "        step += 1\nf(1, 3)\nf(0, 3)\n"
    )
    assert events(text)[0] == [("begun", 0), ("begun", 0), ("left", 0)]


def test_compiled_functions_are_left_alone(events):
    text = "def jit(f): return f\n@jit\ndef f():\n    for i in range(3):\n        if measure(i) > 1: break\nf()\n"
    assert events(text)[0] == []


def test_lines_stay_where_they_are(tmp_path):
    path = tmp_path / "script.py"
    path.write_text("for i in range(2):\n    pass\n\nraise ValueError('here')\n")
    with pytest.raises(ValueError, match="here") as caught:
        exec(compiled(path.read_bytes(), str(path)), {})
    assert caught.traceback[-1].lineno == 3


def test_what_is_no_python_fails_as_always(tmp_path):
    path = tmp_path / "script.py"
    path.write_text("for\n")
    with pytest.raises(SyntaxError, match="invalid syntax"):
        compiled(path.read_bytes(), str(path))
