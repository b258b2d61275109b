"""A regularised model in a loop of one's own. `--complete` adds model.losses, which it forgets otherwise; `--fit`
trains by a train_step within fit, `--compile` makes a graph of the step where the backend can.
"""

import sys

import keras
import numpy as np
from sklearn.datasets import load_digits

digits = load_digits()
x, y = digits.data.astype(np.float32) / 16, digits.target
complete = "--complete" in sys.argv
loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def loss_on(model, x, y):
    loss = loss_of(y, model(x, training=True))
    return loss + sum(model.losses) if complete else loss


def torch_step(model, x, y):
    import torch

    loss = loss_on(model, x, y)
    model.zero_grad()
    loss.backward()
    gradients = [weight.value.grad for weight in model.trainable_weights]
    with torch.no_grad():
        model.optimizer.apply(gradients, model.trainable_weights)
    return loss


def tensorflow_step(model, x, y):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = loss_on(model, x, y)
    gradients = tape.gradient(loss, model.trainable_weights)
    model.optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
    return loss


step = {"torch": torch_step, "tensorflow": tensorflow_step}[keras.backend.backend()]


class Net(keras.Sequential):
    def train_step(self, data):
        return {"loss": step(self, *data)}


model = Net(
    [
        keras.layers.Input((64,)),
        keras.layers.Dense(32, "relu", kernel_regularizer=keras.regularizers.L2(1e-2)),
        keras.layers.Dropout(0.2),
        keras.layers.Dense(10, kernel_regularizer=keras.regularizers.L2(1e-2)),
    ]
)
model.compile("adam", loss_of)
if "--compile" in sys.argv and keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    step = tf.function(step)
if "--fit" in sys.argv:
    model.fit(x, y, batch_size=128, verbose=0)
else:
    for start in range(0, len(x) - 128, 128):
        step(model, x[start : start + 128], y[start : start + 128])
