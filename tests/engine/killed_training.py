"""Trains one member in a process of its own, to be killed: ``python killed_training.py FOLDER``."""

import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from bridle.core import Recipe, Training
from bridle.data.dataset import Dataset
from bridle.engine import checkpoint
from bridle.engine.setting import Setting
from bridle.engine.train import train
from bridle.metrics import catalogue as metrics
from bridle.population import Member
from bridle.records import Column, Fold, Kind, Layout, Task
from bridle.regularizers.augment import Mixup
from bridle.regularizers.averaging import EMA
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L1
from bridle.regularizers.stopping import EarlyStopping


def net():
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2))


def member():
    regularizers = (L1(1e-3), EMA(0.9), EarlyStopping(30), Dropout(0.2), Mixup(0.4))
    training = Training(optimizer="sgd", learning_rate=0.05, epochs=30, batch_size=10)
    return Member(
        0,
        Recipe(*regularizers, training=training),
        Fold(0, np.repeat([0, 1, 2], [60, 15, 15]).astype(np.int8)),
        3,
        keep=True,
    )


def setting(folder):
    inputs = np.random.default_rng(0).normal(size=(90, 4)).astype(np.float32)
    layout = Layout(Kind.TABLE, Task.CLASSIFICATION, (4,), columns=tuple(map(Column, "abcd")), classes=("no", "yes"))
    dataset = Dataset(inputs, (inputs[:, 0] > 0).astype(np.int64), layout)
    return Setting(dataset, metrics.find("log_loss"), net, folder=folder)


if __name__ == "__main__":
    torch.set_num_threads(1)
    write = checkpoint.write

    def slowly(*arguments):
        write(*arguments)
        time.sleep(0.02)

    checkpoint.write = slowly
    train(member(), setting(Path(sys.argv[1])))
