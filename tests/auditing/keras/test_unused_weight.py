"""A regularised weight that no output depends on is found; used ones pass, biases under softmax too."""

import pytest

pytestmark = pytest.mark.slow  # each script is a process that imports Keras


def test_found(traced):
    told = traced("unused_weight")
    (finding,) = told["findings"]
    assert finding["name"] == "regularized_weight_unused"
    assert finding["numbers"]["weight"].endswith("/w")
    assert finding["numbers"]["size"] == 64 * 32
    assert "the model never uses" in finding["message"]
    assert told["status"] == 1


def test_passed(traced):
    assert traced("clean", 2)["findings"] == []
