"""Rows are scaled, or a layer adapted, before they are split; --first splits first, --share lets fit() split."""

import sys

import keras
import numpy as np
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(0)
x, y = load_wine(return_X_y=True)
x = x.astype(np.float32)
layers = [keras.Input((13,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(3, "softmax")]
first, adapt = "--first" in sys.argv, "--adapt" in sys.argv
scaler, normalization = StandardScaler(), keras.layers.Normalization()
if not first:
    normalization.adapt(x) if adapt else scaler.fit(x)
    x = x if adapt else scaler.transform(x)
x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=0)
if first:
    normalization.adapt(x_train) if adapt else scaler.fit(x_train)
    x_train, x_test = (x_train, x_test) if adapt else (scaler.transform(x_train), scaler.transform(x_test))
if adapt:
    layers.insert(1, normalization)
model = keras.Sequential(layers)
model.compile("adam", "sparse_categorical_crossentropy")
rows = {"validation_split": 0.2} if "--share" in sys.argv else {"validation_data": (x_test, y_test)}
model.fit(x_train, y_train, batch_size=32, epochs=2, verbose=0, **rows)
