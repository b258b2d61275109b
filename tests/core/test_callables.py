"""Callables and their names."""

import sys

import pytest
import torch

from bridle.core.callables import check_settings, find, name_of
from bridle.errors import RecipeError


def test_a_callable_is_named_where_its_name_leads_back_to_it():
    assert name_of("call", torch.nn.functional.relu) == "torch.nn.functional:relu"
    assert name_of("call", torch.nn.ReLU) == "torch.nn.modules.activation:ReLU"
    instance = torch.nn.ReLU()
    assert name_of("call", instance) is instance

    def inner():
        return 0

    assert name_of("call", inner) is inner
    assert name_of("call", "not.looked:at") == "not.looked:at"


def test_the_working_directory_counts(tmp_path, monkeypatch):
    (tmp_path / "lying_here.py").write_text("def view(x):\n    return x\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [item for item in sys.path if item not in ("", str(tmp_path))])
    assert find("call", "lying_here:view")(3) == 3
    sys.modules.pop("lying_here")


def test_settings_are_kept_as_a_recipe_file_gives_them_back():
    given = {"sides": [1, (2, 3)], "by": {"depth": [0.5]}, "mode": "nearest", "on": True}
    assert check_settings("settings", given) == {
        "sides": (1, (2, 3)),
        "by": {"depth": (0.5,)},
        "mode": "nearest",
        "on": True,
    }
    with pytest.raises(RecipeError, match=r"^here\['mode'\] must be a number, .*; got dtype\. Build what needs more"):
        check_settings("here", {"mode": torch.float32})
    with pytest.raises(RecipeError, match=r"^here must be a mapping from names to values; got \{1: 2\}"):
        check_settings("here", {1: 2})
