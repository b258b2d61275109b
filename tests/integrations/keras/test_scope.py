"""Names, kinds and layouts of the weights of a Keras model."""

import keras
import pytest
from keras import layers

import bridle
from bridle.errors import RecipeError, ScopeError
from bridle.integrations.keras.scope import refuse_axes, resolve, weights


@pytest.fixture
def model():
    """Embedding, LSTM, convolution, norm, attention and dense layers, one of them in a model within the model."""
    codes, image = keras.Input((5,), dtype="int32"), keras.Input((8, 8, 2))
    text = layers.LSTM(3, name="lstm")(layers.Embedding(10, 4, name="embed")(codes))
    inner = keras.Sequential([layers.Input((8, 8, 2)), layers.Conv2D(4, 3, name="conv")], name="inner")
    seen = layers.BatchNormalization(name="norm")(inner(image))
    rows = layers.Reshape((36, 4))(seen)
    seen = layers.GlobalAveragePooling1D()(layers.MultiHeadAttention(2, 2, name="attend")(rows, rows))
    joined = layers.Concatenate()([text, layers.PReLU(name="prelu")(seen)])
    return keras.Model([codes, image], layers.Dense(2, name="head")(joined), name="whole")


def names(model, scope):
    return [weight.name for weight in resolve(model, scope, who="l2")]


def test_kinds_follow_the_layers(model):
    kinds = {name: weight.kind for name, weight in weights(model).items()}
    assert kinds["embed.embeddings"] == "embeddings"
    assert {kinds[name] for name in ("lstm.lstm_cell.kernel", "lstm.lstm_cell.recurrent_kernel")} == {"matrices"}
    assert kinds["inner.conv.kernel"] == kinds["head.kernel"] == kinds["attend.query.kernel"] == "matrices"
    assert (
        kinds["lstm.lstm_cell.bias"]
        == kinds["head.bias"]
        == kinds["norm.beta"]
        == kinds["attend.query.bias"]
        == "biases"
    )
    assert kinds["norm.gamma"] == kinds["prelu.alpha"] == "norms"


def test_axes_put_neurons_first_and_inputs_second(model):
    axes = {name: weight.axes for name, weight in weights(model).items()}
    assert axes["head.kernel"] == (1, 0)
    assert axes["lstm.lstm_cell.kernel"] == (1, 0)
    assert axes["inner.conv.kernel"] == (3, 2, 0, 1)
    assert axes["embed.embeddings"] == (0, 1)
    assert axes["attend.query.kernel"] is None


def test_scopes_mean_what_they_mean_in_torch(model):
    found = names(model, "matrices")
    assert not [name for name in found if "bias" in name or "embed" in name or "norm" in name]
    assert names(model, "first_layer") == found[:1]
    assert names(model, "last_layer") == ["head.kernel"]
    assert names(model, "embeddings") == ["embed.embeddings"]
    assert names(model, {"modules": ["Conv2D"]}) == ["inner.conv.kernel"]
    assert names(model, {"names": "head.*"}) == ["head.kernel", "head.bias"]
    assert len(names(model, "all")) == len(model.trainable_variables)


def test_the_model_s_own_name_is_no_part_of_a_name(net):
    assert list(weights(net())) == ["first.kernel", "first.bias", "last.kernel", "last.bias"]


def test_frozen_weights_are_left_out(net):
    model = net()
    model.get_layer("first").trainable = False
    assert names(model, "matrices") == ["last.kernel"]


def test_a_scope_that_covers_nothing_is_an_error(net):
    with pytest.raises(ScopeError, match=r"l2 with scope 'embeddings' matches no weight. The model has: first.kernel"):
        names(net(), "embeddings")


def test_groups_need_axes(model):
    found = resolve(model, {"names": "attend.query.kernel"}, who="group_lasso")
    with pytest.raises(RecipeError, match=r"group_lasso tells neurons from inputs .* a EinsumDense such as .*attend"):
        refuse_axes(bridle.GroupLasso(0.1), found)
    refuse_axes(bridle.L1(0.1), found)
