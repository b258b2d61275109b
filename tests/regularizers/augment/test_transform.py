"""Anybody's callable makes the view, and every number that it draws belongs to the example."""

import dataclasses
import pickle
import random

import numpy as np
import pytest
import torch

from bridle.core import Recipe, toml
from bridle.errors import RecipeError
from bridle.records import Column, Kind, Layout, Task
from bridle.regularizers.augment import Transform
from bridle.regularizers.catalogue import parse_recipe
from bridle.testing import material

IMAGE = Layout(Kind.IMAGE, Task.CLASSIFICATION, (3, 10, 14), classes=("a", "b", "c"))


class Shade:
    """Draws from all three global generators."""

    def __init__(self, depth=0.5, sides=(1, 2)):
        self.depth, self.sides = depth, sides

    def __call__(self, image):
        size = torch.rand(()) + np.random.random() + random.random()  # noqa: NPY002
        return image * (1 - self.depth * size / 3)


class Headstrong:
    def __init__(self):
        self.generator = np.random.default_rng(0)

    def __call__(self, image):
        return image * self.generator.random()


def turned(image, quarter=2):
    return image.rot90(quarter, (1, 2))


def narrowed(image):
    return image[..., 1:]


def listed(image):
    return image.tolist()


@pytest.mark.parametrize("call", [Shade(), lambda image: image * torch.rand(())])
def test_the_view_belongs_to_the_example(call, coloured, draws):
    transform = Transform(call)
    whole = transform.apply(coloured, draws).inputs
    order = torch.randperm(64, generator=torch.Generator().manual_seed(0))[:20]
    fields = {name: getattr(coloured, name)[order] for name in ("inputs", "targets", "weights", "examples", "times")}
    some = transform.apply(dataclasses.replace(coloured, **fields), draws).inputs
    torch.testing.assert_close(some, whole[order], rtol=0, atol=0)
    assert len({float(view.mean() / image.mean()) for view, image in zip(whole, coloured.inputs, strict=True)}) == 64


def test_the_global_generators_are_as_before(coloured, draws):
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    Transform(Shade()).apply(coloured, draws)
    assert Transform(Shade()).refuses(IMAGE) == ""
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]  # noqa: NPY002
    assert random.getstate() == before[2]


def test_the_rate_is_the_share_of_examples_that_change(many, draws):
    found = Transform(lambda image: image + 1, rate=0.3).apply(many, draws).inputs.mean(dim=(1, 2, 3))
    assert set(found.tolist()) == {0.0, 1.0}
    assert float(found.mean()) == pytest.approx(0.3, abs=0.03)


def test_a_leading_axis_of_one_is_taken_off(coloured, draws):
    found = Transform(lambda image: image[None] / 2).apply(coloured, draws).inputs
    torch.testing.assert_close(found, coloured.inputs / 2)


def test_of_a_table_the_numbers_change_and_nothing_else(table, draws):
    found = Transform(lambda row: row + 1).apply(table, draws).inputs
    torch.testing.assert_close(found[:, :4], table.inputs[:, :4] + 1)
    torch.testing.assert_close(found[:, 4:], table.inputs[:, 4:])
    categories = dataclasses.replace(table, inputs=table.inputs[:, 5:], continuous=0)
    assert Transform(lambda row: row + 1).apply(categories, draws) is categories


def test_a_table_without_numbers_is_refused():
    codes = Layout(Kind.TABLE, Task.REGRESSION, (1,), columns=(Column("c", ("a", "b")),))
    assert "this table has none" in Transform(turned).refuses(codes)


def test_what_fails_on_such_data_is_refused():
    numbers = Layout(Kind.TABLE, Task.REGRESSION, (2,), columns=(Column("a"), Column("b")))
    assert Transform(Shade()).refuses(numbers) == ""
    refusal = Transform(turned).refuses(numbers)
    assert "turned, which fails on an example of shape (2,): RuntimeError: " in refusal


def test_a_generator_of_its_own_is_refused():
    assert "draws from a generator of its own" in Transform(Headstrong()).refuses(IMAGE)
    assert Transform(turned).refuses(IMAGE) == ""


@pytest.mark.parametrize(("call", "got"), [(narrowed, r"shape \(3, 10, 13\)"), (listed, "list")])
def test_another_shape_is_refused(call, got, coloured, draws):
    with pytest.raises(RecipeError, match=rf"the shape that it is given, \(3, 10, 14\); .* gave {got}\."):
        Transform(call).apply(coloured, draws)


def test_a_name_stands_for_a_class_with_settings_or_a_function(coloured, draws):
    built = Transform("torch.nn:Threshold", {"threshold": 0.5, "value": 0.0})
    expected = torch.where(coloured.inputs > 0.5, coloured.inputs, 0.0)
    torch.testing.assert_close(built.apply(coloured, draws).inputs, expected)
    function = Transform("torch:roll", {"shifts": [1, 2], "dims": [1, 2]})
    torch.testing.assert_close(
        function.apply(coloured, draws).inputs, coloured.inputs.roll((1, 2), (2, 3)), rtol=0, atol=0
    )


def test_a_callable_with_a_name_is_kept_by_it():
    assert Transform(torch.nn.functional.relu).call == "torch.nn.functional:relu"
    recipe = Recipe(Transform(torch.nn.Threshold, {"threshold": 0.1, "value": 0, "inplace": False}, rate=0.2))
    assert parse_recipe(toml.dumps(recipe)) == recipe
    nested = Recipe(Transform("a.b:c", {"boxes": [[1, 2], [3, 4]], "by": {"side": [1.5]}}))
    assert parse_recipe(toml.dumps(nested)) == nested


def test_a_callable_without_a_name_cannot_be_written():
    with pytest.raises(RecipeError, match=r"Shade object at .* has no name .* Put it into a module of its own"):
        toml.dumps(Recipe(Transform(Shade())))


def test_a_function_of_the_script_has_no_name_that_another_process_could_use(monkeypatch):
    assert Transform(turned).call == f"{__name__}:turned"
    monkeypatch.setattr(turned, "__module__", "__main__")
    assert Transform(turned).call is turned


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"call": "torch.flip"}, r"must have the form package.module:name; got 'torch.flip'\."),
        ({"call": 3}, r"Transform.call must be a callable, or its name .*; got int\."),
        (
            {"call": "torch:flip", "settings": {"dims": torch.ones(1)}},
            r"settings\['dims'\] must be a number.*got Tensor",
        ),
        (
            {"call": "torch:flip", "settings": [1]},
            r"Transform.settings must be a mapping from names to values; got \[1\]",
        ),
    ],
)
def test_what_it_cannot_take_is_refused_at_once(values, message):
    with pytest.raises(RecipeError, match=message):
        Transform(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"call": "no_such:name"}, r"'no_such:name' cannot be imported: ModuleNotFoundError.*working directory\?"),
        ({"call": "torch:no_such"}, r"cannot be imported: AttributeError"),
        ({"call": "torch:pi"}, r"must name something that can be called; got float"),
        ({"call": "torch.nn:Threshold", "settings": {"depth": 3}}, r"cannot be built with settings = .*TypeError"),
        ({"call": "torch:Size"}, r"what torch:Size builds cannot be called"),
    ],
)
def test_what_cannot_be_found_or_built_is_refused_at_the_door(values, message):
    with pytest.raises(RecipeError, match=message):
        Transform(**values).refuses(IMAGE)


def test_it_travels_to_another_process_without_what_it_built():
    transform = Transform("torch.nn:Threshold", {"threshold": 0.5, "value": 0.0})
    assert isinstance(transform.view, torch.nn.Module)
    there = pickle.loads(pickle.dumps(transform))
    assert there == transform
    assert "view" not in vars(there)


def test_images_of_other_types_keep_theirs(draws):
    batch = material.batch(Kind.IMAGE, torch.device("cpu"), torch.float32)
    found = Transform(lambda image: image.double()).apply(batch, draws).inputs
    assert found.dtype is torch.float32
