"""Recipes as TOML: there and back, and every mistake by name."""

import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridle.core import Recipe, Training, between, choice, dials, schedule
from bridle.core.dials import words
from bridle.core.toml import dumps, loads
from bridle.errors import DialError, RecipeError, ScopeError
from bridle.regularizers.augment import Rotation
from bridle.regularizers.catalogue import catalogue
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L2
from bridle.testing import instances

QUIET = settings(
    derandomize=True, database=None, deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)


def read(text):
    return loads(text, catalogue(), "recipe.toml")


def numbers(bounds):
    low, high = bounds.search
    return st.integers(int(low), int(high)) if bounds.integer else st.floats(low, high)


def in_a_dials_place(bounds, *, moving, layers=False):
    """A number, a range, a choice, a schedule or a value per layer inside a dial's search range."""
    pair = st.tuples(numbers(bounds), numbers(bounds)).filter(lambda ends: ends[0] < ends[1])
    options = [
        numbers(bounds),
        pair.map(lambda ends: between(*ends)),
        pair.map(lambda ends: between(*ends, log=ends[0] > 0)),
        st.lists(numbers(bounds), min_size=2, max_size=4, unique=True).map(lambda values: choice(*values)),
    ]
    if moving and not bounds.integer:
        course = st.tuples(pair, st.floats(0.01, 1), st.sampled_from(["linear", "cosine"]))
        options.append(course.map(lambda parts: schedule(*parts[0], until=parts[1], shape=parts[2])))
    if layers:
        names = st.sampled_from(["layers.0", "head", "*", "layers.*.weight"])
        options.append(st.dictionaries(names, st.one_of(options[0], *options[4:]), min_size=1))
    return st.one_of(options)


SCOPES = st.one_of(
    st.sampled_from(["matrices", "biases", "all", "first_layer"]),
    st.fixed_dictionaries(
        {"names": st.one_of(st.text(min_size=1), st.lists(st.text(min_size=1), min_size=1, max_size=3))},
        optional={"modules": st.sampled_from(["Linear", ["Linear", "Conv2d"]])},
    ),
)


@st.composite
def regularizers(draw, cls):
    base = draw(st.sampled_from(instances(cls)))
    given = {name: bounds for name, bounds in dials(cls).items() if getattr(base, name) is not None}
    turned = {name: draw(in_a_dials_place(bounds, moving=True, layers=cls.by_layer)) for name, bounds in given.items()}
    said = {name: draw(st.sampled_from(allowed)) for name, allowed in words(cls).items()}
    scope = {"scope": draw(SCOPES)} if "scope" in {field.name for field in dataclasses.fields(cls)} else {}
    label = draw(st.text(max_size=5).filter(lambda text: text != "training"))
    return dataclasses.replace(base, **turned, **said, **scope, label=label, optional=draw(st.booleans()))


@st.composite
def trainings(draw):
    free = {"optimizer", "weight_decay", "stop_after", "epochs"}
    turned = {
        name: draw(in_a_dials_place(bounds, moving=False))
        for name, bounds in dials(Training).items()
        if name not in free and bounds.search
    }
    said = {name: draw(st.sampled_from(allowed)) for name, allowed in words(Training).items() if name not in free}
    return Training(**turned, **said)


@st.composite
def recipes(draw):
    chosen = draw(st.lists(st.sampled_from(list(catalogue().values())), max_size=4, unique=True))
    items = [draw(regularizers(cls)) for cls in chosen]
    unlike = {item.key: item for item in items}
    return Recipe(*unlike.values(), training=draw(trainings()))


@QUIET
@given(recipes())
def test_a_recipe_and_its_toml_are_the_same(recipe):
    assert read(dumps(recipe)) == recipe


def test_the_toml_says_every_setting():
    text = dumps(Recipe(L2(3e-4), Dropout(between(0, 0.5)), Rotation(schedule(0, 10, until=0.5))))
    for line in ('name = "l2"', "strength = 0.0003", 'scope = "matrices"', "low = 0.0", "to = 10.0", 'fill = "zeros"'):
        assert line in text
    for setting in dataclasses.fields(Training):
        assert f"{setting.name} = " in text


def test_the_design_example_reads():
    recipe = read("""
        [training]
        optimizer = "adamw"
        learning_rate = { low = 1e-4, high = 1e-2, log = true }
        epochs = 50
        batch_size = 64

        [[regularizers]]
        name = "l2"
        strength = { low = 1e-6, high = 1e-2, log = true }
        optional = true

        [[regularizers]]
        name = "dropout"
        rate = { choice = [0.0, 0.2, 0.5] }

        [[regularizers]]
        name = "rotation"
        degrees = 10
    """)
    assert recipe == Recipe(
        L2(between(1e-6, 1e-2), optional=True),
        Dropout(choice(0, 0.2, 0.5)),
        Rotation(10),
        training=Training(learning_rate=between(1e-4, 1e-2), epochs=50, batch_size=64),
    )


def test_an_empty_file_is_the_empty_recipe():
    assert read("") == Recipe()


L2_IS = '[[regularizers]]\nname = "l2"\n'


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("[training", RecipeError, r"^recipe.toml is not valid TOML: "),
        ("[trainig]", RecipeError, r"recipe.toml has the unknown key 'trainig'. Did you mean 'training'\? Allowed are"),
        ("[training]\nepoch = 3", RecipeError, r"\[training\] has the unknown key 'epoch'. Did you mean 'epochs'\?"),
        ("[training]\nepochs = 0", DialError, r"^recipe.toml: training.epochs must lie in \[1, inf\); got 0"),
        ("training = 3", RecipeError, r"training must be a table, written \[training\]; got 3"),
        ('[training]\noptimizer = "lion"', RecipeError, r"training.optimizer must be one of adamw, adam, sgd"),
        ("[training]\nlearning_rate = {from = 1e-3, to = 1e-2}", RecipeError, r"cannot follow a schedule of its own"),
        ("regularizers = 3", RecipeError, r"must be a list of tables, each written \[\[regularizers\]\]; got 3"),
        ("[regularizers]\nname = 'l2'", RecipeError, r"must be a list of tables, each written \[\[regularizers\]\]"),
        ("[[regularizers]]\nstrength = 1", RecipeError, r"regularizer 1 has no name. Write for example name = \"l2\""),
        (
            '[[regularizers]]\nname = "dropuot"',
            RecipeError,
            r"regularizer 1 has the unknown name 'dropuot'. Did you mean 'dropout'\?",
        ),
        ('[[regularizers]]\nname = ["l2"]', RecipeError, r"regularizer 1 has the unknown name \['l2'\]"),
        (L2_IS, RecipeError, r"regularizer 1 \(l2\) needs a value for strength"),
        (
            L2_IS + "stength = 1",
            RecipeError,
            r"\(l2\) has the unknown key 'stength'. Did you mean 'strength'\? Allowed are",
        ),
        (L2_IS + "strength = -1", DialError, r"regularizer 1 \(l2\): L2.strength must lie in \[0, inf\); got -1"),
        (L2_IS + "strength = nan", DialError, r"L2.strength must lie in \[0, inf\); got nan"),
        (L2_IS + 'strength = "1e-3"', DialError, r"L2.strength must be a number in \[0, inf\); got '1e-3' \(str\)"),
        (L2_IS + "strength = {low = 1}", RecipeError, r"strength must be a number, \{ low, high, log \}, .*'low': 1"),
        (L2_IS + "strength = {low = 2, high = 1}", DialError, r"\(l2\): between\(low, high\) needs two finite numbers"),
        (L2_IS + "strength = {low = -1, high = 1}", DialError, r"L2.strength must lie in \[0, inf\); got -1"),
        (
            L2_IS + "strength = {}",
            RecipeError,
            r"must be a number, .* or \{ \"layer\" = number, \.\.\. \}; got",
        ),
        (L2_IS + "strength = {head = -1}", DialError, r"L2\.strength\['head'\] must lie in \[0, inf\); got -1"),
        (
            L2_IS + "strength = {head = {low = 1, high = 2}}",
            DialError,
            r"L2\.strength\['head'\] must be a number in \[0, inf\) or a schedule; got Between",
        ),
        (
            '[[regularizers]]\nname = "mixup"\nstrength = {head = 1}',
            RecipeError,
            r"strength must be a number, .* or \{ from, to, until, shape \}; got \{'head': 1\}",
        ),
        (L2_IS + "strength = {choice = [1]}", DialError, r"\(l2\): choice\(\.\.\.\) needs two or more different"),
        (L2_IS + "strength = {choice = [[1], [2]]}", DialError, r"L2.strength must be a number in .*; got \[1\]"),
        (L2_IS + 'strength = {from = 0, to = "a"}', DialError, r"schedule\(start, end\) needs two finite numbers"),
        (L2_IS + 'strength = 1\nscope = "heads"', ScopeError, r"\(l2\): L2.scope must be one of matrices"),
        (L2_IS + "strength = 1\nscope = {names = 3}", ScopeError, r"L2.scope must map each key to a text"),
        (L2_IS + "strength = 1\nlabel = 3", RecipeError, r"L2 takes a text as label and true or false as optional"),
        (L2_IS + "strength = 1\n" + L2_IS + "strength = 2", RecipeError, r"two regularizers called 'l2'"),
        ('[[regularizers]]\nname = "dropout"\nrate = 1', DialError, r"Dropout.rate must lie in \[0, 1\); got 1"),
        (
            '[[regularizers]]\nname = "rotation"\ndegrees = 5\nfill = "mirror"',
            RecipeError,
            r"\(rotation\): Rotation.fill must be one of zeros, border, reflection; got 'mirror'",
        ),
    ],
)
def test_every_mistake_is_named(text, error, message):
    with pytest.raises(error, match=message):
        read(text)
