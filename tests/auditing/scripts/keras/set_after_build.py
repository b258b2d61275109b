"""Regularizers assigned to the layers of a model that is built already."""

import keras
import numpy as np
from sklearn.datasets import load_digits

digits = load_digits()
x, y = digits.data.astype(np.float32) / 16, digits.target
model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(10, "softmax")])
for layer in model.layers:
    layer.kernel_regularizer = keras.regularizers.L2(0.01)
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x, y, batch_size=128, epochs=3, validation_split=0.2, verbose=0)
