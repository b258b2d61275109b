"""A layer gives its regularizer to a weight of its own that call() never uses."""

import keras
import numpy as np
from sklearn.datasets import load_digits


class Projection(keras.layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.inner = keras.layers.Dense(units)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units), regularizer=keras.regularizers.L2(0.01), name="w")
        self.inner.build(input_shape)

    def call(self, inputs):
        return self.inner(inputs)


digits = load_digits()
x, y = digits.data.astype(np.float32) / 16, digits.target
model = keras.Sequential([keras.Input((64,)), Projection(32), keras.layers.ReLU(), keras.layers.Dense(10)])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(x, y, batch_size=128, epochs=3, validation_split=0.2, verbose=0)
