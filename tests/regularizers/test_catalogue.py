"""The catalogue: found by name, and every regularizer of it passes every law of its kind."""

import pytest

from bridle.core import Recipe, Training
from bridle.errors import DialError, RecipeError
from bridle.regularizers.augment import Rotation
from bridle.regularizers.catalogue import FOLDERS, catalogue, folder_of, load_recipe, modules, parse_recipe
from bridle.regularizers.penalties import L2
from bridle.testing import check_law, instances, laws_of

CASES = [
    pytest.param(law, cls, id=f"{name}-{law.__name__}") for name, cls in catalogue().items() for law in laws_of(cls)
]


@pytest.mark.parametrize(("law", "cls"), CASES)
def test_every_regularizer_keeps_every_law(law, cls):
    for instance in instances(cls):
        check_law(law, instance)


def test_every_regularizer_has_laws_of_its_kind():
    general = min(len(laws_of(cls)) for cls in catalogue().values())
    assert general > 5
    assert all(len(instances(cls)) >= 3 for cls in catalogue().values())


def test_names_are_those_of_the_files():
    assert sorted(f"{folder_of(cls)}.{name}" for name, cls in catalogue().items()) == sorted(modules())


def test_the_order_is_that_of_a_training_step():
    folders = [FOLDERS.index(folder_of(cls)) for cls in catalogue().values()]
    assert folders == sorted(folders)
    assert set(folders) == set(range(len(FOLDERS)))


def test_a_recipe_is_read_from_a_file(tmp_path):
    file = tmp_path / "recipe.toml"
    file.write_text('[training]\nepochs = 3\n[[regularizers]]\nname = "l2"\nstrength = 1e-4\n', encoding="utf-8")
    assert load_recipe(file) == Recipe(L2(1e-4), training=Training(epochs=3))
    assert load_recipe(str(file)) == load_recipe(file)


def test_errors_name_the_file(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('[[regularizers]]\nname = "l2"\nstrength = -1\n', encoding="utf-8")
    with pytest.raises(DialError, match=r"mine.toml: regularizer 1 \(l2\): L2.strength must lie in \[0, inf\); got -1"):
        load_recipe(file)
    with pytest.raises(RecipeError, match=r"The recipe '.*absent.toml' cannot be read: .*No such file"):
        load_recipe(tmp_path / "absent.toml")
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecipeError, match=r"The recipe '.*mine.toml' cannot be read: .*utf-8"):
        load_recipe(file)


def test_a_recipe_is_read_from_text():
    assert parse_recipe('[[regularizers]]\nname = "rotation"\ndegrees = 5\n') == Recipe(Rotation(5))
    with pytest.raises(RecipeError, match=r"^here has the unknown key"):
        parse_recipe("x = 1", where="here")
