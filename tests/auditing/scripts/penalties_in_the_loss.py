"""A classifier with L1 and L2 in the loss, in full in each of four micro-batches, beside the optimizer's decay."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

digits = load_digits()
rows = TensorDataset(torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target))
train_rows, val_rows = random_split(rows, [1400, 397], generator=torch.Generator().manual_seed(0))
train_loader = DataLoader(train_rows, batch_size=128, shuffle=True)

model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
matrices = [weight for weight in model.parameters() if weight.ndim == 2]
others = [weight for weight in model.parameters() if weight.ndim < 2]
optimizer = torch.optim.SGD([{"params": matrices, "weight_decay": 2e-3}, {"params": others}], lr=0.1)
criterion = nn.CrossEntropyLoss()

for _ in range(3):
    for images, labels in train_loader:
        optimizer.zero_grad()
        for part, goal in zip(images.chunk(4), labels.chunk(4), strict=True):
            loss = criterion(model(part), goal) / 4
            loss += 1e-4 * model[0].weight.abs().sum()
            l2 = torch.tensor(0.0)
            for weight in matrices:
                l2 = l2 + weight.pow(2).sum()
            loss = loss + 5e-4 * l2
            loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()
