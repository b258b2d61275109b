"""The penalty is meant to come with one more layer, behind the softmax, after compile."""

import keras
import numpy as np
from sklearn.datasets import load_digits

digits = load_digits()
x, y = digits.data.astype(np.float32) / 16, digits.target
model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(10, "softmax")])
model.compile("adam", "sparse_categorical_crossentropy")
model.add(keras.layers.Dense(10, kernel_regularizer=keras.regularizers.L1(0.01)))
model.fit(x, y, batch_size=128, epochs=3, validation_split=0.2, verbose=0)
