"""Bridle's Keras part is there where Keras is, and says what to install where it is not."""

import subprocess
import sys

import bridle


def test_it_hangs_on_bridle():
    assert bridle.keras.regularize.__name__ == "regularize"


def test_without_keras():
    code = "import sys; sys.modules['keras'] = None; import bridle; bridle.keras"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode
    assert 'bridle.keras needs Keras 3, which is not installed: pip install "bridle[keras]"' in done.stderr
