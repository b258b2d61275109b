"""Early stopping as it is by default: the last weights stay."""

import keras
import numpy as np
from sklearn.datasets import load_digits

keras.utils.set_random_seed(0)
digits = load_digits()
x, y = digits.data[:600].astype(np.float32) / 16, digits.target[:600]
model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(128, "relu"), keras.layers.Dense(10, "softmax")])
model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
stopping = keras.callbacks.EarlyStopping(patience=2)
model.fit(x, y, batch_size=20, epochs=60, validation_split=0.5, callbacks=[stopping], verbose=0)
