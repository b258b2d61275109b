"""A functional Keras model with two inputs and a train_step of its own, normalised by the training rows."""

import keras
import numpy as np
from keras import ops
from sklearn.datasets import load_diabetes

keras.utils.set_random_seed(0)
table, target = load_diabetes(return_X_y=True)
table, target = (table * 20).astype(np.float32), (target / 100).astype(np.float32)[:, None]
train, valid, test = slice(0, 300), slice(300, 380), slice(380, 442)
normalization = keras.layers.Normalization()
normalization.adapt(table[train, 2:])


class Gaussian(keras.Model):
    """Half of the squared error, by compute_loss."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        penalty = sum(self.losses) if self.losses else 0.0
        return 0.5 * ops.mean(ops.square(y - y_pred)) + penalty


persons, blood = keras.Input((2,)), keras.Input((8,))
hidden = keras.layers.Concatenate()([persons, normalization(blood)])
hidden = keras.layers.Dense(16, "tanh", kernel_regularizer=keras.regularizers.L2(1e-3))(hidden)
hidden = keras.layers.Dropout(0.1)(hidden)
model = Gaussian([persons, blood], keras.layers.Dense(1)(hidden))
model.compile(optimizer=keras.optimizers.AdamW(0.01, weight_decay=1e-3))
stopping = keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
model.fit(
    [table[train, :2], table[train, 2:]],
    target[train],
    validation_data=([table[valid, :2], table[valid, 2:]], target[valid]),
    batch_size=64,
    epochs=5,
    callbacks=[stopping],
    verbose=0,
)
print(float(np.mean((model.predict([table[test, :2], table[test, 2:]], verbose=0) - target[test]) ** 2)))
