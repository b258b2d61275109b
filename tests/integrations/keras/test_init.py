"""Bridle's Keras part is there where Keras is."""

import bridle


def test_it_hangs_on_bridle():
    assert bridle.keras.regularize.__name__ == "regularize"
