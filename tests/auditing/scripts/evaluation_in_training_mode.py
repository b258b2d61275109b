"""An evaluation without eval(), the penalty from detached weights, and a penalised validation loss."""

import torch
from sklearn.datasets import load_digits
from torch import nn

images = torch.tensor(load_digits().data, dtype=torch.float32) / 16
labels = torch.tensor(load_digits().target)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 10))
unused = nn.Linear(64, 3)
optimizer = torch.optim.Adam([*model.parameters(), *unused.parameters()])
criterion = nn.CrossEntropyLoss()


def objective(rows):
    penalty = sum(weight.data.abs().sum() for weight in model.parameters())
    return criterion(model(images[rows]), labels[rows]) + 1e-4 * penalty


for epoch in range(3):
    for rows in torch.randperm(1400).split(200):
        optimizer.zero_grad()
        objective(rows).backward()
        optimizer.step()
    with torch.no_grad():
        print(epoch, objective(torch.arange(1400, 1797)).item())
