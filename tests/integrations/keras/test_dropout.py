"""The recipe's dropout at the model's own dropout layers."""

import keras
import numpy as np
import pytest

import bridle
from bridle.errors import RecipeError, ScopeError


def dropped(model, rows=2000):
    """The share of zeros behind the dropout layer, in training and in evaluation."""
    layer, ones = model.get_layer("drop"), np.ones((rows, 8), "float32")
    seen = [keras.ops.convert_to_numpy(layer(ones, training=training)) for training in (True, False)]
    return [(value == 0).mean() for value in seen]


@pytest.mark.parametrize("declared", [0.0, 0.6])
def test_the_rate_is_the_recipe_s(declared, net, compiled):
    model = compiled(model=net(declared))
    handle = bridle.keras.regularize(model, bridle.Recipe(bridle.Dropout(0.25)))
    training, evaluation = dropped(model)
    assert training == pytest.approx(0.25, abs=0.02)
    assert evaluation == 0
    handle.detach()
    assert dropped(model)[0] == pytest.approx(declared, abs=0.02)


def test_it_acts_in_training(compiled, fit, values):
    model, bare = compiled(), compiled()
    bare.set_weights(model.get_weights())
    bridle.keras.regularize(model, bridle.Recipe(bridle.Dropout(0.5)))
    fit(model)
    fit(bare)
    assert np.abs(values(model)[0] - values(bare)[0]).max() > 1e-3


def test_a_seed_repeats(compiled, fit, values):
    def trained(seed):
        keras.utils.set_random_seed(0)
        model = compiled()
        bridle.keras.regularize(model, bridle.Recipe(bridle.Dropout(0.5)), seed=seed)
        fit(model)
        return values(model)[0]

    np.testing.assert_array_equal(trained(3), trained(3))
    assert np.abs(trained(3) - trained(4)).max() > 1e-4


def test_a_saved_model_keeps_the_rate(compiled, fit, tmp_path):
    model = compiled()
    bridle.keras.regularize(model, bridle.Recipe(bridle.Dropout(0.5)))
    fit(model, epochs=1)
    model.save(tmp_path / "model.keras")
    assert keras.models.load_model(tmp_path / "model.keras").get_layer("drop").rate == 0.5


def test_scopes(compiled):
    with pytest.raises(ScopeError, match=r"covers no dropout layer; the model has: drop. Put keras.layers.Dropout"):
        bridle.keras.regularize(compiled(), bridle.Recipe(bridle.Dropout(0.5, scope={"names": "head.*"})))
    with pytest.raises(ScopeError, match=r'its scope must be "all" or name them'):
        bridle.keras.regularize(compiled(), bridle.Recipe(bridle.Dropout(0.5, scope="matrices")))
    chosen = bridle.Dropout(0.5, scope={"names": "dr*", "modules": "Dropout"})
    assert bridle.keras.regularize(compiled(), bridle.Recipe(chosen)).scopes == {"dropout": ["drop"]}


@pytest.mark.parametrize("taken", [0, 5, 10, 20])
def test_a_schedule_follows_the_steps(taken, compiled):
    model = compiled()
    recipe = bridle.Recipe(bridle.Dropout(bridle.schedule(0.0, 0.6)))
    handle = bridle.keras.regularize(model, recipe, steps=10)
    model.optimizer.iterations.assign(taken)
    training, evaluation = dropped(model)
    assert training == pytest.approx(min(taken / 10, 1) * 0.6, abs=0.02)
    assert evaluation == 0
    ones = model.get_layer("drop")(np.ones((2000, 8), "float32"), training=True)
    assert float(keras.ops.convert_to_numpy(ones).mean()) == pytest.approx(1.0, abs=0.03)
    handle.detach()
    assert dropped(model)[0] == 0


def test_a_schedule_acts_in_training(compiled, fit, values):
    """The same draws whether the rate is 0.5 throughout or reaches it: the later steps alone differ."""

    def trained(start, epochs=1):
        keras.utils.set_random_seed(0)
        model = compiled()
        before = values(model)[0]
        recipe = bridle.Recipe(bridle.Dropout(bridle.schedule(start, 0.5, until=0.25)))
        bridle.keras.regularize(model, recipe, steps=4)
        fit(model, epochs=epochs)
        return before, values(model)[0]

    (before, rising), (same, full), (_, again) = trained(0.0), trained(0.5), trained(0.5)
    np.testing.assert_array_equal(before, same)
    np.testing.assert_array_equal(full, again)
    assert np.abs(rising - full).max() > 1e-3
    keras.utils.set_random_seed(0)
    bare = compiled()
    fit(bare, epochs=1)
    assert np.abs(values(bare)[0] - rising).max() > 1e-3


def test_xla_compiles_a_rate_that_moves(backend, compiled, fit, values):
    if backend != "tensorflow":
        pytest.skip("XLA is TensorFlow's")
    model = compiled(jit_compile=True)
    bare = compiled(jit_compile=True)
    bare.set_weights(model.get_weights())
    bridle.keras.regularize(model, bridle.Recipe(bridle.Dropout(bridle.schedule(0.2, 0.6))), steps=12)
    fit(model)
    fit(bare)
    assert np.isfinite(values(model)[0]).all()
    assert np.abs(values(model)[0] - values(bare)[0]).max() > 1e-3


def test_rows_may_share_what_is_dropped(problem, compiled):
    layers = [keras.layers.Input((6,)), keras.layers.Dropout(0.1, noise_shape=(None, 1), name="drop")]
    model = compiled(model=keras.Sequential([*layers, keras.layers.Dense(3)]))
    bridle.keras.regularize(model, bridle.Recipe(bridle.Dropout(bridle.schedule(0.5, 0.5))), steps=4)
    seen = keras.ops.convert_to_numpy(model.get_layer("drop")(np.ones((200, 6), "float32"), training=True))
    assert set(seen.sum(1).tolist()) == {0.0, 12.0}


def test_a_logit_may_follow_a_schedule(compiled):
    model = compiled()
    bridle.keras.regularize(model, bridle.Recipe(bridle.Dropout(k=bridle.schedule(-4.0, 0.0))), steps=10)
    model.optimizer.iterations.assign(10)
    assert dropped(model)[0] == pytest.approx(0.5, abs=0.02)


def test_a_saved_model_of_a_schedule_keeps_a_number(compiled, fit, tmp_path):
    model = compiled()
    bridle.keras.regularize(model, bridle.Recipe(bridle.Dropout(bridle.schedule(0.4, 0.1))), steps=4)
    fit(model, epochs=1)
    model.save(tmp_path / "model.keras")
    assert keras.models.load_model(tmp_path / "model.keras").get_layer("drop").rate == 0.4


def test_what_is_not_served(compiled):
    moving = bridle.Recipe(bridle.Dropout(bridle.schedule(0.0, 0.5)))
    with pytest.raises(RecipeError, match=r"dropout follows a schedule: say how long the training is"):
        bridle.keras.regularize(compiled(), moving)
    two = bridle.Recipe(bridle.Dropout(0.5), bridle.Dropout(0.1, label="again"))
    model = compiled()
    with pytest.raises(RecipeError, match=r"Two dropouts of the recipe cover drop"):
        bridle.keras.regularize(model, two)
    assert model.get_layer("drop").rate == 0
