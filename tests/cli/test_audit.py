"""`bridle audit` prints what a script's audit found; the exit status serves in CI."""

import json
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "auditing" / "scripts"


def test_an_error_is_status_1(cli):
    script = SCRIPTS / "augmented_validation_loader.py"
    result = cli("audit", script, "--format", "json", "--", "--rate", "0.05")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert [finding["name"] for finding in told["findings"]] == ["augmented_validation"]
    assert told["script"] == str(script)


def test_a_warning_is_status_0(cli):
    result = cli("audit", SCRIPTS / "decay_on_everything.py")
    assert result.exit_code == 0
    assert "WARNING decay_scope" in result.stdout


@pytest.mark.parametrize("form", ["text", "sarif"])
def test_prints_of_the_script_go_to_the_error_stream(cli, form):
    result = cli("audit", SCRIPTS / "clean" / "quickstart.py", "--epochs", 1, "--format", form)
    assert result.exit_code == 0
    assert "epoch 1" in result.stderr
    assert "epoch 1" not in result.stdout
    if form == "sarif":
        assert json.loads(result.stdout)["runs"][0]["results"] == []


def test_what_can_be_mended(cli):
    result = cli("audit", "nothing.py")
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: The script must be a Python file; nothing.py is none. Give the path of a training script.\n"
    )
    result = cli("audit", SCRIPTS / "decay_on_everything.py", "--format", "xml")
    assert (result.exit_code, result.stderr) == (2, "Error: format must be one of text, json, sarif; got 'xml'.\n")
