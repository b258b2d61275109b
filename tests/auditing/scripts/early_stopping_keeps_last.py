"""Patience ends the training, and the weights that were worse three times in a row are the ones that stay."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
digits = load_digits()
images, labels = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)
train_loader = DataLoader(TensorDataset(images[:300], labels[:300]), batch_size=20, shuffle=True)
val_loader = DataLoader(TensorDataset(images[300:600], labels[300:600]), batch_size=100)
model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
criterion = nn.CrossEntropyLoss()


def train(epochs, patience):
    best_loss, wait = float("inf"), 0
    for epoch in range(epochs):
        model.train()
        for inputs, targets in train_loader:
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            losses = [criterion(model(inputs), targets).item() for inputs, targets in val_loader]
        val_loss = sum(losses) / len(losses)
        print(epoch, val_loss)
        if val_loss < best_loss:
            best_loss, wait = val_loss, 0
        else:
            wait += 1
            if wait >= patience:
                print("early stopping")
                break


train(epochs=100, patience=3)
