"""A classifier in half precision whose L2 goes backward by itself: the gradient scaler divides it away."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

digits = load_digits()
rows = TensorDataset(torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target))
train_rows, val_rows = random_split(rows, [1400, 397], generator=torch.Generator().manual_seed(0))
train_loader = DataLoader(train_rows, batch_size=128, shuffle=True)

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scaler = torch.amp.GradScaler("cpu")

for _ in range(3):
    for images, labels in train_loader:
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = nn.functional.cross_entropy(model(images), labels)
        scaler.scale(loss).backward()
        penalty = 1e-3 * sum(weight.square().sum() for weight in model.parameters() if weight.ndim == 2)
        penalty.backward()
        scaler.step(optimizer)
        scaler.update()
