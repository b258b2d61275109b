"""A classifier whose layers put their penalties into a list, as in Keras; no line of the loop adds them to the loss."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

digits = load_digits()
rows = TensorDataset(torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target))
train_rows, val_rows = random_split(rows, [1400, 397], generator=torch.Generator().manual_seed(0))
train_loader = DataLoader(train_rows, batch_size=128, shuffle=True)
val_loader = DataLoader(val_rows, batch_size=128)


class Penalized(nn.Linear):
    def __init__(self, inputs, outputs, strength):
        super().__init__(inputs, outputs)
        self.strength, self.penalties = strength, []

    def forward(self, rows):
        self.penalties = [self.strength * self.weight.square().sum() / 2]
        return super().forward(rows)


model = nn.Sequential(Penalized(64, 64, 1e-3), nn.ReLU(), Penalized(64, 10, 1e-3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

for _ in range(3):
    model.train()
    for images, labels in train_loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = sum((model(images).argmax(1) == labels).sum().item() for images, labels in val_loader)
    print(f"accuracy {right / len(val_rows):.3f}")
