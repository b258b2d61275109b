"""Averaged weights are evaluated with the batch-norm statistics of the last ones."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
digits = load_digits()
images, labels = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)
train_loader = DataLoader(TensorDataset(images[:1400], labels[:1400]), batch_size=64, shuffle=True)
val_loader = DataLoader(TensorDataset(images[1400:], labels[1400:]), batch_size=200)
hidden = [nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU()]
model = nn.Sequential(*hidden, nn.Linear(64, 10))
averaged = AveragedModel(model)
optimizer = torch.optim.SGD(model.parameters(), lr=2.0, momentum=0.9)

for _ in range(8):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    averaged.update_parameters(model)
averaged.eval()
with torch.no_grad():
    print(sum((averaged(x).argmax(1) == y).sum().item() for x, y in val_loader) / 397)
