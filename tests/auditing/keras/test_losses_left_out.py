"""A loop that forgets model.losses is found by its gradients, in fit or out of it; one that adds them passes."""

from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.slow  # each script is a process that imports Keras
needs_tensorflow = pytest.mark.skipif(find_spec("tensorflow") is None, reason="needs TensorFlow")
each_loop = pytest.mark.parametrize(
    ("backend", "arguments"),
    [
        ("torch", ()),
        ("torch", ("--fit",)),
        pytest.param("tensorflow", (), marks=needs_tensorflow),
        pytest.param("tensorflow", ("--compile",), marks=needs_tensorflow),
        pytest.param("tensorflow", ("--fit",), marks=needs_tensorflow),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value) or "loop",
)


@each_loop
def test_found(traced, backend, arguments):
    told = traced("custom_loop", 0, *arguments, backend=backend)
    assert [finding["name"] for finding in told["findings"]] == ["losses_left_out"]
    (finding,) = told["findings"]
    assert list(finding["numbers"]["penalties"]) == ["net/dense/kernel", "net/dense_1/kernel"]
    assert all(0 < value < 10 for value in finding["numbers"]["penalties"].values())
    assert "Write loss = loss + sum(model.losses)" in finding["message"]
    assert (told["status"], told["steps"], told["notes"]) == (1, 1, [])


@each_loop
def test_passed(traced, backend, arguments):
    told = traced("custom_loop", 0, *arguments, "--complete", backend=backend)
    assert (told["findings"], told["status"], told["steps"], told["notes"]) == ([], 0, 1, [])


def test_a_loop_runs_on_where_validations_are_asked_for(traced):
    told = traced("custom_loop", 1)
    assert (told["steps"], [finding["name"] for finding in told["findings"]]) == (14, ["losses_left_out"])
