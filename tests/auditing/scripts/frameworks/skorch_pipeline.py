"""A skorch net behind a scaler in one pipeline: the scaler is fitted on the training rows, the net splits its own."""

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetClassifier
from torch import nn

torch.manual_seed(0)
table, target = load_breast_cancer(return_X_y=True)
x, x_test, y, y_test = train_test_split(table.astype(np.float32), target, random_state=0, stratify=target)


class Net(nn.Module):
    def __init__(self, units=16):
        super().__init__()
        self.hidden, self.drop, self.out = nn.Linear(30, units), nn.Dropout(0.2), nn.Linear(units, 2)

    def forward(self, x):
        return self.out(self.drop(torch.relu(self.hidden(x))))


net = NeuralNetClassifier(
    Net,
    criterion=nn.CrossEntropyLoss,
    optimizer=torch.optim.AdamW,
    optimizer__param_groups=[("*.weight", {"weight_decay": 0.01}), ("*.bias", {"weight_decay": 0.0})],
    lr=0.01,
    max_epochs=4,
    batch_size=64,
    verbose=0,
)
pipeline = Pipeline([("scale", StandardScaler()), ("net", net)])
pipeline.fit(x, y)
print(f"test accuracy {pipeline.score(x_test, y_test):.3f}")
