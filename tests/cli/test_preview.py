"""`bridle preview` hands over what was asked and prints what comes back."""

from pathlib import Path

import bridle


def test_options_arrive(cli, monkeypatch):
    seen = {}
    monkeypatch.setitem(vars(bridle), "preview", lambda **named: seen.update(named) or "Wrote it.")
    result = cli("preview", "d", "--recipe", "r.toml", "--target", "y", "--drop", "a", "--drop", "b", "--views", 2)
    assert result.exit_code == 0, result.output
    assert result.stdout == "Wrote it.\n"
    assert seen == {
        "data": "d",
        "recipe": Path("r.toml"),
        "out": None,
        "target": "y",
        "task": None,
        "size": None,
        "drop": ("a", "b"),
        "categorical": (),
        "bad_images": "refuse",
        "count": None,
        "views": 2,
        "seed": 0,
        "overwrite": False,
    }


def test_a_recipe_is_needed(cli):
    result = cli("preview", "digits")
    assert result.exit_code == 2
    assert "--recipe" in result.stderr


def test_a_mistake(cli, tmp_path):
    (tmp_path / "r.toml").write_text('[[regularizers]]\nname = "rotation"\ndegrees = -3\n')
    result = cli("preview", "digits", "--recipe", tmp_path / "r.toml")
    assert result.exit_code == 2
    assert result.stderr == (
        f"Error: {tmp_path / 'r.toml'}: regularizer 1 (rotation): Rotation.degrees must lie in [0, 180]; got -3.\n"
    )
