"""A regularised layer behind the softmax, added after compile, is found; layers that compile saw pass."""

import pytest

pytestmark = pytest.mark.slow  # each script is a process that imports Keras


def test_found(traced):
    told = traced("added_after_compile")
    (finding,) = told["findings"]
    assert finding["name"] == "layer_added_after_compile"
    assert finding["numbers"] == {"layer": "dense_2", "regularized": ["kernel"]}
    assert "dense_2 was added after compile(), behind dense_1 and its softmax" in finding["message"]
    assert told["status"] == 1


def test_passed(traced):
    assert traced("clean", 2)["findings"] == []
