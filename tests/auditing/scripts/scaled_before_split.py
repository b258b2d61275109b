"""The scaler sees all rows before they are split."""

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

table, target = load_breast_cancer(return_X_y=True)
table = StandardScaler().fit_transform(table)
parts = train_test_split(table, target, test_size=0.25, random_state=0, stratify=target)
x_train, x_val, y_train, y_val = (torch.tensor(part, dtype=torch.float32) for part in parts)
train_loader = DataLoader(TensorDataset(x_train, y_train), batch_size=32, shuffle=True)
val_loader = DataLoader(TensorDataset(x_val, y_val), batch_size=64)
model = nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
criterion = nn.BCEWithLogitsLoss()

for epoch in range(3):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        criterion(model(x).squeeze(1), y).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, sum(criterion(model(x).squeeze(1), y).item() for x, y in val_loader))
