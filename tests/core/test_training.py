"""The training settings: every one is checked at the door."""

import dataclasses

import pytest

from bridle.core import Training, between, choice, dials, schedule
from bridle.errors import DialError, RecipeError


def test_the_defaults_are_allowed():
    assert Training() == Training(optimizer="adamw", learning_rate=2e-3, epochs=30)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"learning_rate": 0}, DialError, r"training.learning_rate must lie in \(0, inf\); got 0"),
        ({"learning_rate": -1e-3}, DialError, r"training.learning_rate must lie in \(0, inf\); got -0.001"),
        ({"warmup": 1}, DialError, r"training.warmup must lie in \[0, 1\); got 1"),
        ({"epochs": 0}, DialError, r"training.epochs must lie in \[1, inf\); got 0"),
        ({"epochs": 2.5}, DialError, r"training.epochs must be a whole number"),
        ({"batch_size": "64"}, DialError, r"training.batch_size must be a number .*; got '64' \(str\)"),
        ({"optimizer": "lion"}, RecipeError, r"training.optimizer must be one of adamw, adam, sgd; got 'lion'"),
        ({"optimizer": ["adamw"]}, RecipeError, r"training.optimizer must be one of"),
        ({"schedule": "step"}, RecipeError, r"training.schedule must be one of constant, cosine, linear; got 'step'"),
        ({"precision": "float16"}, RecipeError, r"training.precision must be one of float32, bfloat16"),
        ({"class_weights": True}, RecipeError, r"training.class_weights must be one of none, balanced; got True"),
        (
            {"optimizer": "sgd", "weight_decay": 0.1},
            RecipeError,
            r"weight_decay is AdamW's .* needs optimizer = 'adamw'",
        ),
        ({"epochs": 5, "stop_after": 6}, RecipeError, r"stop_after must be at most epochs = 5; got 6"),
        ({"learning_rate": schedule(1e-3, 1e-2)}, RecipeError, r"training.learning_rate cannot follow a schedule"),
    ],
)
def test_what_is_not_allowed_is_refused(settings, error, message):
    with pytest.raises(error, match=message):
        Training(**settings)


def test_free_settings_are_listed():
    free = Training(learning_rate=between(1e-4, 1e-2), epochs=choice(10, 20)).free()
    assert free == {"learning_rate": between(1e-4, 1e-2), "epochs": choice(10, 20)}
    assert Training().free() == {}


def test_replace_checks_again():
    assert Training().replace(epochs=3) == Training(epochs=3)
    with pytest.raises(DialError, match=r"training.epochs must lie in"):
        Training().replace(epochs=0)


def test_every_setting_is_explained():
    text = Training.__doc__ or ""
    for field in dataclasses.fields(Training):
        assert f"{field.name}: " in text


def test_search_ranges_lie_inside_the_bounds():
    for name, bounds in dials(Training).items():
        for end in bounds.search or ():
            bounds.check(name, end)
