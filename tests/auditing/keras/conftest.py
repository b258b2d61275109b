"""Keras scripts are audited in processes of their own: its backend is chosen when it is first imported."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts" / "keras"


@cache
def audited(name: str, epochs: int, backend: str, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bridle", "audit", SCRIPTS / f"{name}.py", "--epochs", str(epochs)]
    process = subprocess.run(
        [*command, "--format", "json", "--", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
        check=False,
    )
    assert process.returncode in (0, 1), process.stderr
    return {"status": process.returncode, **json.loads(process.stdout)}


@pytest.fixture
def traced():
    """What the audit of a script says: ``traced("clean", epochs=2)``."""
    pytest.importorskip("keras")
    return lambda name, epochs=0, *arguments, backend="torch": audited(name, epochs, backend, *arguments)
