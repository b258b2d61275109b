"""Loss terms in the training loss, and in no other: the weights of a plain torch loop."""

import keras
import numpy as np
import pytest
import torch

import bridle
from bridle.errors import DataError, RecipeError, ScopeError

FIRST = {"names": "first"}
PAIRS = [
    (bridle.ConfidencePenalty(0.5), bridle.ConfidencePenalty(0.5)),
    (bridle.ConfidencePenalty(bridle.schedule(0.0, 1.0)), bridle.ConfidencePenalty(bridle.schedule(0.0, 1.0))),
    (bridle.ActivationL1(0.05, scope=FIRST), bridle.ActivationL1(0.05, scope={"names": "1"})),
    (bridle.ActivationL1({"first": 0.05}, scope=FIRST), bridle.ActivationL1({"1": 0.05}, scope={"names": "1"})),
    (bridle.ActivationL2(0.1), bridle.ActivationL2(0.1, scope={"names": "1"})),
    (
        bridle.KLSparsity(0.2, 0.1, "sigmoid", scope=FIRST),
        bridle.KLSparsity(0.2, 0.1, "sigmoid", scope={"names": "1"}),
    ),
]


@pytest.mark.parametrize(("item", "own"), PAIRS, ids=[item.key for item, _ in PAIRS])
def test_as_in_a_plain_loop(item, own, compiled, fit, values, plain, close):
    """By default activations are those that reach dropout, here what the first layer gives."""
    model = compiled(keras.optimizers.SGD(0.1, momentum=0.9))
    start = values(model)
    bridle.keras.regularize(model, bridle.Recipe(item), steps=12)
    fit(model)

    def sgd(weights):
        return torch.optim.SGD(weights, 0.1, momentum=0.9)

    expected = plain(start, sgd, own, steps=12)
    close(values(model), expected)
    assert max(np.abs(one - two).max() for one, two in zip(plain(start, sgd), expected, strict=True)) > 1e-3


def test_input_gradients(torch_only, compiled, fit, values, plain, close):
    model = compiled()
    start = values(model)
    bridle.keras.regularize(model, bridle.Recipe(bridle.InputGradient(0.3)))
    fit(model)

    def sgd(weights):
        return torch.optim.SGD(weights, 0.1)

    close(values(model), plain(start, sgd, bridle.InputGradient(0.3)))
    assert np.abs(plain(start, sgd)[0] - values(model)[0]).max() > 1e-3


def test_probabilities_give_what_logits_do(net, compiled, fit, values, close):
    logits, probabilities = net(), net()
    probabilities.add(keras.layers.Softmax())
    probabilities.set_weights(logits.get_weights())
    compiled(model=logits)
    compiled(model=probabilities, loss="sparse_categorical_crossentropy")
    for model in (logits, probabilities):
        bridle.keras.regularize(model, bridle.Recipe(bridle.ConfidencePenalty(0.5)))
        fit(model)
    close(values(probabilities), values(logits))


def entropy_gap(model, x):
    logs = torch.from_numpy(model.predict(x, verbose=0)).log_softmax(1)
    return (np.log(3) + (logs.exp() * logs).sum(1)).numpy()


@pytest.mark.parametrize("weighted", [False, True])
def test_the_training_loss_has_them_and_the_validation_loss_not(weighted, compiled, fit, problem):
    model = compiled(keras.optimizers.SGD(0.0))
    weights = np.linspace(0, 2, 64).astype("float32") if weighted else None
    clean = model.evaluate(*problem, sample_weight=weights, verbose=0)
    gap = entropy_gap(model, problem[0])
    bridle.keras.regularize(model, bridle.Recipe(bridle.ConfidencePenalty(2.0)))
    validation = problem if weights is None else (*problem, weights)
    history = fit(model, epochs=1, sample_weight=weights, validation_data=validation).history
    assert history["val_loss"][0] == pytest.approx(clean, rel=1e-5)
    added = 2.0 * (gap * (1 if weights is None else weights)).mean()
    assert added > 0.05
    assert history["loss"][0] - clean == pytest.approx(added, rel=1e-3)
    assert model.evaluate(*problem, sample_weight=weights, verbose=0) == pytest.approx(clean, rel=1e-5)


def test_images_and_several_calls(values, close):
    """A layer called twice counts twice; every number of an example counts, wherever it lies."""
    inputs = keras.Input((4, 4, 2))
    shared = keras.layers.Conv2D(2, 3, padding="same", name="shared")
    model = keras.Model(inputs, keras.layers.Flatten()(shared(shared(inputs))))
    model.compile(keras.optimizers.SGD(0.0), "mse")
    x = np.random.default_rng(0).normal(size=(8, 4, 4, 2)).astype("float32")
    once = keras.ops.convert_to_numpy(shared(x))
    twice = keras.ops.convert_to_numpy(shared(shared(x)))
    clean = model.evaluate(x, np.zeros((8, 32)), verbose=0)
    bridle.keras.regularize(model, bridle.Recipe(bridle.ActivationL2(0.1, scope={"modules": "Conv2D"})))
    loss = model.fit(x, np.zeros((8, 32)), batch_size=8, verbose=0).history["loss"][0]
    assert loss - clean == pytest.approx(0.05 * ((once**2).sum() + (twice**2).sum()) / 8, rel=1e-4)


def test_noise_changes_nothing_of_what_a_term_sees(compiled, fit, problem):
    """Activations are taken as they reach dropout."""

    def loss(*items):
        keras.utils.set_random_seed(0)
        model = compiled(keras.optimizers.SGD(0.0))
        bridle.keras.regularize(model, bridle.Recipe(bridle.Dropout(0.5), *items))
        return model, fit(model, epochs=1).history["loss"][0]

    model, added = loss(bridle.ActivationL2(0.1))
    hidden = keras.ops.convert_to_numpy(model.get_layer("first")(problem[0]))
    assert added - loss()[1] == pytest.approx(0.05 * (hidden**2).sum(1).mean(), rel=1e-4)


def test_beside_label_smoothing_and_augmentation_and_given_back(compiled, fit, values, problem):
    model = compiled()
    recipe = bridle.Recipe(
        bridle.ActivationL1(0.1, scope=FIRST),
        bridle.LabelSmoothing(0.1),
        bridle.FeatureNoise(0.1),
        bridle.Dropout(bridle.schedule(0.1, 0.3)),
        bridle.ActivationL2(0.1),
    )
    handle = bridle.keras.regularize(model, recipe, steps=12)
    assert handle.scopes["activation_l1"] == ["first"]
    assert handle.scopes["activation_l2"] == handle.scopes["dropout"] == ["drop"]
    fit(model)
    handle.detach()
    for layer in (model, *model.layers):
        assert not {"call", "compute_loss", "train_step", "fit"} & set(vars(layer))
    bare = compiled()
    bare.set_weights(model.get_weights())
    compiled(model=model)
    fit(model)
    fit(bare)
    np.testing.assert_allclose(values(model)[0], values(bare)[0], atol=1e-6)


def test_xla_compiles_them(backend, compiled, fit, values, close):
    if backend != "tensorflow":
        pytest.skip("XLA is TensorFlow's")
    moving = bridle.schedule(0.01, 0.1)
    recipe = bridle.Recipe(bridle.ConfidencePenalty(moving), bridle.ActivationL2(0.1), bridle.L2(moving))

    def trained(jit_compile):
        keras.utils.set_random_seed(0)
        model = compiled(jit_compile=jit_compile)
        bridle.keras.regularize(model, recipe, steps=12)
        fit(model)
        return values(model)

    close(trained(True), trained(False))


def test_a_saved_model_knows_nothing_of_them(compiled, fit, tmp_path):
    model = compiled()
    bridle.keras.regularize(model, bridle.Recipe(bridle.ActivationL1(0.1, scope=FIRST)))
    fit(model, epochs=1)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert "call" not in vars(loaded.get_layer("first"))


@pytest.mark.parametrize(
    ("item", "error", "message"),
    [
        (
            bridle.ActivationL1(0.1, scope="matrices"),
            ScopeError,
            r"looks at activations.*Its scope must be",
        ),
        (
            bridle.ActivationL1(0.1, scope={"names": "third"}),
            ScopeError,
            r"covers no layer; the model has: first, d",
        ),
    ],
)
def test_scopes(item, error, message, compiled):
    with pytest.raises(error, match=message):
        bridle.keras.regularize(compiled(), bridle.Recipe(item))


def test_a_model_without_dropout_layers(compiled):
    bare = compiled(model=keras.Sequential([keras.layers.Input((6,)), keras.layers.Dense(3)]))
    with pytest.raises(ScopeError, match=r"activation_l2 with scope 'all' covers no dropout layer; the model has: non"):
        bridle.keras.regularize(bare, bridle.Recipe(bridle.ActivationL2(0.1)))


@pytest.mark.parametrize("item", [bridle.ConfidencePenalty(0.1), bridle.LabelSmoothing(0.1)], ids=lambda item: item.key)
def test_a_loss_that_is_not_told_whether_it_trains(item, net, compiled):
    class Net(keras.Sequential):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
            return super().compute_loss(x, y, y_pred, sample_weight)

    model = compiled(model=Net(net().layers))
    with pytest.raises(RecipeError, match=rf"{item.key} acts in the training loss only, and Net\.compute_loss is not"):
        bridle.keras.regularize(model, bridle.Recipe(item))


def test_losses_that_do_not_say_what_the_outputs_are(compiled):
    with pytest.raises(RecipeError, match=r"confidence_penalty takes one output \(B, C\) under categorical_cross"):
        bridle.keras.regularize(compiled(loss="mse"), bridle.Recipe(bridle.ConfidencePenalty(0.1)))


def test_what_is_seen_at_the_first_batch_only(torch_only, compiled, fit, problem):
    model = compiled()
    bridle.keras.regularize(model, bridle.Recipe(bridle.KLSparsity(0.1, scope=FIRST)))
    with pytest.raises(RecipeError, match=r"kl_sparsity takes activations in \(0, 1\)"):
        fit(model)
    codes = keras.Input((4,), dtype="int32")
    model = keras.Model(codes, keras.layers.Dense(3)(keras.layers.Flatten()(keras.layers.Embedding(5, 2)(codes))))
    compiled(model=model)
    bridle.keras.regularize(model, bridle.Recipe(bridle.InputGradient(0.1)))
    with pytest.raises(DataError, match=r"input_gradient needs one input of numbers; this model has several, or whole"):
        model.fit(np.zeros((8, 4), "int32"), np.zeros(8), verbose=0)


def test_a_layer_that_is_not_called(compiled, problem):
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.idle, self.pair = keras.layers.Dense(3), keras.layers.Dense(3, name="idle"), Pair(name="p")

        def call(self, x):
            return self.first(self.pair(x)[0])

    class Pair(keras.layers.Layer):
        def call(self, x):
            return x, x

    for name, error, message in [
        ("idle", RecipeError, r"activation_l2 looks at idle, which took no part in this training step"),
        ("p", ScopeError, r"the layer p gives tuple"),
    ]:
        model = Net()
        model.idle.build((None, 3))
        model(problem[0])
        compiled(model=model, run_eagerly=True)
        bridle.keras.regularize(model, bridle.Recipe(bridle.ActivationL2(0.1, scope={"names": name})))
        with pytest.raises(error, match=message):
            model.fit(*problem, verbose=0)
