"""The epoch is chosen on test rows that give the score; --apart splits validation rows off, --once evaluates others."""

import sys
import tempfile

import keras
import numpy as np
from sklearn.datasets import load_digits

keras.utils.set_random_seed(0)
digits = load_digits()
x, y = digits.data.astype(np.float32) / 16, digits.target
x_train, y_train, x_test, y_test, x_new, y_new = x[:300], y[:300], x[300:600], y[300:600], x[600:900], y[600:900]
model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(10, "softmax")])
model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
callback = keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
if "--checkpoint" in sys.argv:
    callback = keras.callbacks.ModelCheckpoint(f"{tempfile.mkdtemp()}/best.keras", save_best_only=True)
rows = {"validation_split": 0.2} if "--apart" in sys.argv else {"validation_data": (x_test, y_test)}
callbacks = [] if "--plain" in sys.argv else [callback]
model.fit(x_train, y_train, batch_size=50, epochs=8, callbacks=callbacks, verbose=0, **rows)
if "--once" in sys.argv:
    model.predict(x_new, verbose=0)
model.evaluate(x_test, y_test, verbose=0)
