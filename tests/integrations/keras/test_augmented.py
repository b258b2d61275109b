"""Training batches are augmented, those of evaluation never."""

import keras
import numpy as np
import pytest

import bridle
from bridle.errors import DataError, RecipeError
from bridle.integrations.keras.augmented import Augmented


class Seen(keras.layers.Layer):
    """Adds up what it sees, in training and in evaluation."""

    def __init__(self):
        super().__init__()
        self.training_sum = self.add_weight(shape=(), initializer="zeros", trainable=False)
        self.other_sum = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, x, training=False):
        total = self.training_sum if training else self.other_sum
        total.assign(keras.ops.sum(keras.ops.cast(x, "float32") * keras.ops.arange(4, dtype="float32")))
        return x


@pytest.fixture
def pictures():
    """Two images that are bright in their leftmost column: mirrored they are bright in the rightmost."""
    images = np.zeros((2, 4, 4, 1), "float32")
    images[:, :, 0] = 1.0
    return images


@pytest.fixture
def looking():
    """A model that remembers what it saw: sum over pixels of brightness times the column."""
    seen = Seen()

    def make(classes=2):
        inputs = keras.Input((4, 4, 1))
        columns = keras.layers.Permute((1, 3, 2))(inputs)
        outputs = keras.layers.Dense(classes, activation="softmax")(keras.layers.Flatten()(seen(columns)))
        model = keras.Model(inputs, outputs)
        model.compile(keras.optimizers.SGD(0.01), loss="categorical_crossentropy")
        return model, seen

    return make


def test_training_sees_mirrored_images_and_evaluation_does_not(looking, pictures):
    model, seen = looking()
    bridle.keras.regularize(model, bridle.Recipe(bridle.HorizontalFlip(1.0)))
    targets = np.eye(2, dtype="float32")
    model.fit(pictures, targets, verbose=0, validation_data=(pictures, targets))
    assert float(seen.training_sum.value) == 2 * 4 * 3  # two images, four rows, all in column 3
    assert float(seen.other_sum.value) == 0
    model.evaluate(pictures, targets, verbose=0)
    model.predict(pictures, verbose=0)
    assert float(seen.other_sum.value) == 0


def test_sample_weights_and_train_on_batch(looking, pictures):
    model, seen = looking()
    bridle.keras.regularize(model, bridle.Recipe(bridle.HorizontalFlip(1.0)))
    model.train_on_batch(pictures, np.eye(2, dtype="float32"), sample_weight=np.array([1.0, 0.0], "float32"))
    assert float(seen.training_sum.value) == 24


def test_table_columns_get_noise(net):
    model = net()
    augmented = Augmented(model, bridle.Recipe(bridle.FeatureNoise(0.5)), 0, None)
    x, y, ones = np.zeros((4000, 6), "float32"), np.zeros(4000, "int64"), np.ones(4000, "float32")
    noisy, targets, weights = augmented.arrays(x, y, ones, 3)
    assert noisy.std() == pytest.approx(0.5, rel=0.05)
    np.testing.assert_array_equal(noisy, augmented.arrays(x, y, ones, 3)[0])
    assert np.abs(noisy - augmented.arrays(x, y, ones, 4)[0]).max() > 0.1
    assert np.abs(
        noisy - Augmented(model, bridle.Recipe(bridle.FeatureNoise(0.5)), 1, None).arrays(x, y, ones, 3)[0]
    ).any()
    assert targets.dtype == np.int64
    np.testing.assert_array_equal(weights, ones)
    assert not x.any()


def test_schedules(net):
    augmented = Augmented(net(), bridle.Recipe(bridle.FeatureNoise(bridle.schedule(0.0, 1.0))), 0, 10)
    x, ones = np.zeros((1000, 6), "float32"), np.ones(1000, "float32")
    assert not augmented.arrays(x, ones, ones, 0)[0].any()
    assert augmented.arrays(x, ones, ones, 5)[0].std() == pytest.approx(0.5, rel=0.1)


def test_mixup_mixes_targets(net):
    model = net()
    model.compile("sgd", loss=keras.losses.CategoricalCrossentropy(from_logits=True))
    augmented = Augmented(model, bridle.Recipe(bridle.Mixup(1.0)), 0, None)
    coded = np.tile(np.eye(3, dtype="float32"), (5, 1))
    mixed, targets, _ = augmented.arrays(np.repeat(coded, 2, axis=1), coded, np.ones(15, "float32"), 0)
    np.testing.assert_allclose(mixed[:, ::2], targets, atol=1e-6)
    assert ((targets > 0) & (targets < 1)).any()


def test_mixup_needs_one_column_per_class(net):
    augmented = Augmented(net(), bridle.Recipe(bridle.Mixup(1.0)), 0, None)
    with pytest.raises(DataError, match=r"mixup mixes targets, so they must be \(B, classes\) floats, .*; got \(3,\)"):
        augmented.arrays(np.zeros((3, 6), "float32"), np.arange(3), np.ones(3, "float32"), 0)


def test_data_of_another_kind(net):
    with pytest.raises(RecipeError, match=r"horizontal_flip acts on image data; this model takes table data"):
        Augmented(net(), bridle.Recipe(bridle.HorizontalFlip()), 0, None)
    sequence = keras.Sequential([keras.layers.Input((5, 3)), keras.layers.Flatten()])
    with pytest.raises(RecipeError, match=r"feature_noise acts on one input, .* this model has \(None, 5, 3\)"):
        Augmented(sequence, bridle.Recipe(bridle.FeatureNoise(0.1)), 0, None)


def test_xla_is_refused(backend, compiled):
    if backend != "tensorflow":
        pytest.skip("XLA is TensorFlow's")
    with pytest.raises(RecipeError, match=r"feature_noise runs in torch .*, which XLA cannot compile"):
        bridle.keras.regularize(compiled(jit_compile=True), bridle.Recipe(bridle.FeatureNoise(0.1)))
