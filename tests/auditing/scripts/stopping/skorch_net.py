"""skorch's early stopping; --save keeps the best weights in a file, --best restores them, --last scores the last."""

import sys
import tempfile

import numpy as np
import torch
from sklearn.datasets import load_digits
from skorch import NeuralNetClassifier
from skorch.callbacks import Checkpoint, EarlyStopping
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x, y = digits.data.astype(np.float32) / 16, digits.target
stopping = EarlyStopping(patience=2, load_best="--best" in sys.argv)
checkpoint = Checkpoint(dirname=tempfile.mkdtemp(), load_best="--load-best" in sys.argv)
net = NeuralNetClassifier(
    lambda: nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)),
    criterion=nn.CrossEntropyLoss,
    optimizer=torch.optim.Adam,
    lr=0.05,
    max_epochs=40,
    batch_size=20,
    callbacks=[("stopping", stopping), *([("checkpoint", checkpoint)] if "--save" in sys.argv else [])],
    verbose=0,
)
net.fit(x[:300], y[:300])
if "--load" in sys.argv:
    net.load_params(checkpoint=checkpoint)
if "--last" in sys.argv:
    print(net.score(x[300:600], y[300:600]))
if "--export" in sys.argv:
    net.save_params(f_params=f"{tempfile.mkdtemp()}/net.pt")
