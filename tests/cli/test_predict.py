"""`bridle predict` writes a CSV file and never over another."""

import pytest


def test_the_file(cli, calls, tmp_path):
    result = cli("predict", "runs/x", "new.csv", "--out", "p.csv")
    assert result.exit_code == 0, result.output
    assert calls == [("load", ("runs/x",), {"model": None}), ("predict", ("new.csv",), {"ensemble": False})]
    assert (tmp_path / "p.csv").read_text() == "prediction,probability_no,probability_yes\nyes,0.25,0.75\nno,0.5,0.5\n"
    assert result.stdout == "Wrote 2 predictions to p.csv.\n"


def test_the_model_is_handed_over(cli, calls):
    cli("predict", "runs/x", "new.csv", "--model", "a.b:c")
    assert calls[0] == ("load", ("runs/x",), {"model": "a.b:c"})


def test_the_ensemble_is_asked_for(cli, calls):
    cli("predict", "runs/x", "new.csv", "--ensemble")
    assert calls[1] == ("predict", ("new.csv",), {"ensemble": True})


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_existing_file(cli, calls, tmp_path, overwrite):
    (tmp_path / "p.csv").write_text("precious")
    result = cli("predict", "runs/x", "new.csv", "--out", "p.csv", *["--overwrite"][:overwrite])
    if overwrite:
        assert result.exit_code == 0
        assert (tmp_path / "p.csv").read_text().startswith("prediction,")
    else:
        assert result.exit_code == 2
        assert "Error: --out 'p.csv' exists and is not overwritten." in result.stderr
        assert not calls
        assert (tmp_path / "p.csv").read_text() == "precious"


def test_a_folder_that_does_not_exist(cli, calls):
    result = cli("predict", "runs/x", "new.csv", "--out", "nowhere/p.csv")
    assert result.exit_code == 2
    assert "the folder 'nowhere' does not exist" in result.stderr
    assert not calls
