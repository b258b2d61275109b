"""Scripts of frameworks are audited in processes of their own: they warn and set signal handlers when imported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts" / "stopping"


@pytest.fixture
def found():
    """The severity and the finding, or None, of a script with arguments."""

    def audit(name, *arguments):
        command = [sys.executable, "-m", "bridle", "audit", SCRIPTS / f"{name}.py", "--epochs", "1000"]
        process = subprocess.run(
            [*command, "--format", "json", "--", *arguments], capture_output=True, text=True, timeout=300, check=False
        )
        assert process.returncode == 0, process.stderr
        told = json.loads(process.stdout)
        assert told["notes"] == []
        assert told["validations"] >= 3
        findings = [one for one in told["findings"] if one["name"] == "best_weights_not_restored"]
        assert len(findings) <= 1
        return (findings[0]["severity"], findings[0]) if findings else (None, None)

    return audit
