"""The audit of a whole model: nothing on clean ones, and bad input."""

import keras
import pytest
from keras import layers

import bridle
from bridle.errors import ModelError


def names(model):
    return sorted({finding.name for finding in bridle.keras.audit(model)})


def test_a_clean_classifier():
    """In the style of Keras's own guides."""
    model = keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(4, 3, activation="relu", kernel_regularizer="l2"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    assert names(model) == []


def test_a_clean_model_on_codes(problem):
    codes = keras.Input((None,), dtype="int32")
    seen = layers.Bidirectional(layers.LSTM(4, kernel_regularizer="l2"))(layers.Embedding(20, 8)(codes))
    model = keras.Model(codes, layers.Dense(1, activation="sigmoid")(seen))
    model.compile("adam", "binary_crossentropy")
    assert names(model) == []


def test_a_clean_subclass(problem):
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.hidden = layers.Dense(4, activation="relu", kernel_regularizer="l2")
            self.head = layers.Dense(3)

        def call(self, x):
            return self.head(self.hidden(x))

    model = Net()
    optimizer = keras.optimizers.AdamW(0.01)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(*problem, verbose=0)
    assert names(model) == []


def test_a_recipe_is_audited_too(compiled):
    model = compiled(keras.optimizers.SGD(0.1))
    bridle.keras.regularize(model, bridle.Recipe(bridle.L2(0.1)))
    assert names(model) == []
    model.optimizer.weight_decay = 0.1
    model.optimizer.exclude_from_weight_decay(var_names=["bias"])
    assert names(model) == ["penalty_and_weight_decay"]


def test_findings_carry_numbers_and_the_audit_changes_nothing(compiled, values, close):
    model = compiled()
    model.get_layer("first").kernel_regularizer = keras.regularizers.L2(0.1)
    before = values(model)
    (finding,) = bridle.keras.audit(model)
    assert finding.numbers["weight"] == "first.kernel"
    assert finding.numbers["share_in_losses"] == 0
    close(values(model), before, atol=0)


def test_bad_input():
    with pytest.raises(ModelError, match=r"audit\(model\) takes a keras.Model; got Dense"):
        bridle.keras.audit(layers.Dense(2))
    with pytest.raises(ModelError, match=r"has no weights yet. Build it first"):
        bridle.keras.audit(keras.Sequential([layers.Dense(2)]))
