"""A recipe in Keras's training and in a plain torch loop: the same weights."""

import keras
import numpy as np
import pytest
import torch

import bridle
from bridle.errors import RecipeError

OPTIMIZERS = {
    "sgd": (lambda: keras.optimizers.SGD(0.1), lambda w: torch.optim.SGD(w, 0.1)),
    "momentum": (lambda: keras.optimizers.SGD(0.1, momentum=0.9), lambda w: torch.optim.SGD(w, 0.1, momentum=0.9)),
    "adam": (lambda: keras.optimizers.Adam(0.01, epsilon=1e-12), lambda w: torch.optim.Adam(w, 0.01, eps=1e-12)),
}
ITEMS = [
    bridle.L2(0.05),
    bridle.L1(0.02),
    bridle.L1({"first": 0.02, "last": 0.0}),
    bridle.L2(0.1, scope="all"),
    bridle.L1(0.02, gradient_only=True),
    bridle.ElasticNet(0.02, 0.05),
    bridle.GroupLasso(0.03),
    bridle.GroupLasso(0.03, groups="inputs"),
    bridle.SparseGroupLasso(0.01, 0.02),
    bridle.L2Start(0.1),
    bridle.DecoupledDecay(0.5),
    bridle.MaxNorm(0.8),
]


def own_names(item):
    """The same regularizer for torch's names of the layers."""
    if isinstance(item, bridle.L1) and not isinstance(item.strength, float):
        return bridle.L1({"0": 0.02, "2": 0.0})
    return item


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.key)
def test_as_in_a_plain_loop(item, optimizer, compiled, fit, values, plain, close):
    in_keras, in_torch = OPTIMIZERS[optimizer]
    model = compiled(in_keras())
    start = values(model)
    bridle.keras.regularize(model, bridle.Recipe(item))
    fit(model)
    expected = plain(start, in_torch, own_names(item))
    close(values(model), expected)
    bare = plain(start, in_torch)
    assert max(np.abs(one - other).max() for one, other in zip(bare, expected, strict=True)) > 1e-3


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
@pytest.mark.parametrize(
    "item",
    [
        bridle.L2(bridle.schedule(0.0, 0.3)),
        bridle.L1(bridle.schedule(0.05, 0.01, until=0.5, shape="cosine")),
        bridle.L1({"first": bridle.schedule(0.05, 0.01), "last": 0.0}),
        bridle.GroupLasso(bridle.schedule(0.01, 0.05, shape="exponential")),
        bridle.SparseGroupLasso(bridle.schedule(0.0, 0.02), 0.02),
        bridle.ElasticNet(0.02, bridle.schedule(0.5, 0.0)),
        bridle.L2Start(bridle.schedule(0.1, 0.5)),
        bridle.DecoupledDecay(bridle.schedule(0.0, 0.5)),
        bridle.MaxNorm(bridle.schedule(1.5, 0.5)),
    ],
    ids=lambda item: item.key,
)
def test_schedules_as_in_a_plain_loop(item, optimizer, compiled, fit, values, plain, close):
    in_keras, in_torch = OPTIMIZERS[optimizer]
    model = compiled(in_keras())
    start = values(model)
    bridle.keras.regularize(model, bridle.Recipe(item), steps=12)
    fit(model)
    own = item
    if isinstance(item, bridle.L1) and item.is_scheduled and not item.moves:
        own = bridle.L1({"0": bridle.schedule(0.05, 0.01), "2": 0.0})
    close(values(model), plain(start, in_torch, own, steps=12))
    still = item.at(0.0) if item.moves else bridle.L1({"0": 0.05, "2": 0.0})
    other = plain(start, in_torch, still)
    assert max(np.abs(one - two).max() for one, two in zip(values(model), other, strict=True)) > 1e-3


def test_several_regularizers_at_once(compiled, fit, values, plain, close):
    items = [bridle.L1(0.02, scope="first_layer"), bridle.L2(0.1, scope="last_layer"), bridle.DecoupledDecay(0.1)]
    model = compiled(keras.optimizers.SGD(0.1, momentum=0.9))
    start = values(model)
    bridle.keras.regularize(model, bridle.Recipe(*items))
    fit(model)
    close(values(model), plain(start, OPTIMIZERS["momentum"][1], *items))


def test_clipping_bounds_the_data_gradient_only(compiled, fit, values, plain, close):
    model = compiled(keras.optimizers.SGD(0.1, global_clipnorm=0.05))
    start = values(model)
    bridle.keras.regularize(model, bridle.Recipe(bridle.L2(2.0)))
    fit(model)
    close(values(model), plain(start, OPTIMIZERS["sgd"][1], bridle.L2(2.0), clip=0.05))


@pytest.mark.parametrize("item", [bridle.L2(0.5), bridle.L1(0.05)], ids=lambda item: item.key)
def test_micro_batches_count_a_penalty_once(item, compiled, fit, values, plain, close):
    model = compiled(keras.optimizers.SGD(0.1, gradient_accumulation_steps=2))
    start = values(model)
    bridle.keras.regularize(model, bridle.Recipe(item))
    fit(model)
    close(values(model), plain(start, OPTIMIZERS["sgd"][1], item, micro=2))


def test_a_pretrained_model_where_assigning_a_regularizer_does_nothing(compiled, fit, values, plain, close):
    model = compiled()
    fit(model)
    start = values(model)
    model.get_layer("first").kernel_regularizer = keras.regularizers.L2(10.0)
    model.compile(keras.optimizers.SGD(0.1), loss=model.loss)
    fit(model)
    close(values(model), plain(start, OPTIMIZERS["sgd"][1]))
    model.compile(keras.optimizers.SGD(0.1), loss=model.loss)
    start = values(model)
    bridle.keras.regularize(model, bridle.Recipe(bridle.L2(0.5)))
    fit(model)
    close(values(model), plain(start, OPTIMIZERS["sgd"][1], bridle.L2(0.5)))


def test_a_step_that_was_compiled_before_takes_the_recipe(compiled, fit, values, plain, close):
    model = compiled()
    fit(model)
    start = values(model)
    bridle.keras.regularize(model, bridle.Recipe(bridle.L1(0.05)))
    fit(model)
    close(values(model), plain(start, OPTIMIZERS["sgd"][1], bridle.L1(0.05)))


def test_xla_compiles_it(backend, compiled, fit, values, plain, close):
    if backend != "tensorflow":
        pytest.skip("XLA is TensorFlow's")
    model = compiled(keras.optimizers.Adam(0.01, epsilon=1e-12), jit_compile=True)
    start = values(model)
    bridle.keras.regularize(model, bridle.Recipe(bridle.GroupLasso(0.03)))
    fit(model)
    close(values(model), plain(start, OPTIMIZERS["adam"][1], bridle.GroupLasso(0.03)))


def test_the_losses_are_free_of_penalties(compiled, fit, problem):
    model = compiled(keras.optimizers.SGD(0.0))
    clean = model.evaluate(*problem, verbose=0)
    bridle.keras.regularize(model, bridle.Recipe(bridle.L2(100.0), bridle.L1(100.0, scope="biases")))
    history = fit(model, epochs=1, validation_data=problem).history
    assert history["val_loss"][0] == pytest.approx(clean, rel=1e-5)
    assert history["loss"][0] == pytest.approx(clean, rel=1e-5)


def test_embeddings_when_asked(compiled, values):
    model = keras.Sequential(
        [
            keras.layers.Input((4,), dtype="int32"),
            keras.layers.Embedding(10, 3, name="embed"),
            keras.layers.Flatten(),
            keras.layers.Dense(3),
        ]
    )
    compiled(model=model)
    before = values(model)[0]
    bridle.keras.regularize(model, bridle.Recipe(bridle.L2(0.5, scope="embeddings")))
    model.fit(np.zeros((8, 4), "int32"), np.zeros(8, "int32"), batch_size=8, verbose=0)
    np.testing.assert_allclose(values(model)[0][1:], before[1:] * 0.95, rtol=1e-5)


def test_scopes_penalty_and_detach(compiled, fit, values, plain, close):
    model = compiled()
    start = values(model)
    handle = bridle.keras.regularize(model, bridle.Recipe(bridle.L2(0.5), bridle.Dropout(0.5)))
    assert handle.scopes == {"l2": ["first.kernel", "last.kernel"], "dropout": ["drop"]}
    assert handle.penalty() == pytest.approx(0.25 * sum((value**2).sum() for value in (start[0], start[2])), rel=1e-5)
    handle.detach()
    fit(model)
    close(values(model), plain(start, OPTIMIZERS["sgd"][1]))
    with pytest.raises(RecipeError, match=r"This handle was detached and acts on nothing any more"):
        handle.penalty()


def test_a_model_compiled_again_is_noticed(compiled, fit):
    model = compiled()
    bridle.keras.regularize(model, bridle.Recipe(bridle.L2(0.5)))
    compiled(model=model)
    with pytest.raises(RecipeError, match=r"compiled again after bridle.keras.regularize"):
        fit(model)


def test_a_weight_unfrozen_later_is_noticed(compiled, fit):
    model = compiled()
    model.get_layer("first").trainable = False
    compiled(model=model)
    bridle.keras.regularize(model, bridle.Recipe(bridle.L2(0.5)))
    model.get_layer("first").trainable = True
    with pytest.raises(RecipeError, match=r"trains other weights than when the recipe was bound"):
        fit(model)


def test_a_saved_model_goes_on_where_it_was(compiled, fit, values, close, tmp_path):
    recipe = bridle.Recipe(bridle.L1(0.01), bridle.L2Start(0.1, scope="biases"), bridle.EMA(0.9))

    def begin():
        keras.utils.set_random_seed(0)
        model = compiled(keras.optimizers.Adam(0.01))
        return model, bridle.keras.regularize(model, recipe)

    whole, _ = begin()
    for _ in range(2):
        fit(whole)
    model, handle = begin()
    fit(model)
    model.save(tmp_path / "model.keras")
    state = handle.state_dict()
    loaded = keras.models.load_model(tmp_path / "model.keras")
    again = bridle.keras.regularize(loaded, recipe)
    again.load_state_dict(state)
    fit(loaded)
    close(values(loaded), values(whole), atol=1e-6)


def test_a_state_of_another_recipe_is_refused(compiled):
    handle = bridle.keras.regularize(compiled(), bridle.Recipe(bridle.L2Start(0.1)))
    with pytest.raises(RecipeError, match=r"it needs start/l2_start/first.kernel, .*; got nothing"):
        handle.load_state_dict({})
