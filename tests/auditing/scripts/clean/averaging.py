"""Weight averaging after some epochs, its batch-norm statistics recomputed, mixup in training without accuracy."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.optim.swa_utils import SWALR, AveragedModel, update_bn
from torch.utils.data import DataLoader, TensorDataset

digits = load_digits()
images, labels = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)
loader = DataLoader(TensorDataset(images[:1400], labels[:1400]), batch_size=64, shuffle=True)
valid_loader = DataLoader(TensorDataset(images[1400:], labels[1400:]), batch_size=200)
model = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 10))
swa_model = AveragedModel(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
swa_scheduler = SWALR(optimizer, swa_lr=0.05)
loss_fn = nn.CrossEntropyLoss()


def score(network):
    network.eval()
    with torch.no_grad():
        right = sum((network(x).argmax(1) == y).sum().item() for x, y in valid_loader)
    network.train()
    return right / 397


for epoch in range(4):
    for x, y in loader:
        share, order = torch.distributions.Beta(0.2, 0.2).sample(), torch.randperm(len(x))
        scores = model(share * x + (1 - share) * x[order])
        loss = share * loss_fn(scores, y) + (1 - share) * loss_fn(scores, y[order])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch >= 2:
        swa_model.update_parameters(model)
        swa_scheduler.step()
    print(epoch, score(model))
update_bn(loader, swa_model)
print(score(swa_model))
