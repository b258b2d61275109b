"""A generator of the script's own yields batches, flipped at random, for training and validation alike."""

import torch
from sklearn.datasets import load_digits
from torch import nn

images = torch.tensor(load_digits().images, dtype=torch.float32) / 16
labels = torch.tensor(load_digits().target)


def batches(begin, end, size=128):
    for start in range(begin, end, size):
        part = images[start : min(start + size, end)].clone()
        flip = torch.rand(len(part)) < 0.5
        part[flip] = part[flip].flip(2)
        yield part, labels[start : min(start + size, end)]


model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters())
for _ in range(4):
    for inputs, target in batches(0, 1400):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), target).backward()
        optimizer.step()
    with torch.no_grad():
        right = sum((model(inputs).argmax(1) == target).sum().item() for inputs, target in batches(1400, 1797))
