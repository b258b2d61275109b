"""A regularizer assigned to a built layer is found for each layer; those of constructors and weights pass."""


def test_found(traced):
    told = traced("set_after_build")
    assert [finding["name"] for finding in told["findings"]] == ["regularizer_set_after_build"] * 2
    assert [finding["numbers"] for finding in told["findings"]] == [
        {"layer": "dense", "weight": "kernel"},
        {"layer": "dense_1", "weight": "kernel"},
    ]
    assert "layer.kernel.regularizer = keras.regularizers.L2(...)" in told["findings"][0]["message"]
    assert told["status"] == 1


def test_passed(traced):
    assert traced("clean", 2)["findings"] == []
