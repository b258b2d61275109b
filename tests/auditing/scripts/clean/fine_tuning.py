"""A frozen backbone in evaluation mode under a new head, phases in a dictionary, the best weights kept and restored."""

import copy

import torch
from sklearn.datasets import load_digits
from torch import nn, optim
from torch.utils.data import DataLoader, Subset, TensorDataset

digits = load_digits()
rows = TensorDataset(torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target))
order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0)).tolist()
parts = {"train": Subset(rows, order[:1400]), "val": Subset(rows, order[1400:])}
dataloaders = {name: DataLoader(part, batch_size=64, shuffle=True) for name, part in parts.items()}

backbone = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2))
for weight in backbone.parameters():
    weight.requires_grad = False
model = nn.Sequential(backbone, nn.Linear(64, 10))
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(model[1].parameters(), lr=0.1, momentum=0.9)
scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)


def train_model(epochs):
    best, best_accuracy = copy.deepcopy(model.state_dict()), 0.0
    for epoch in range(epochs):
        for phase in ["train", "val"]:
            if phase == "train":
                model.train()
                backbone.eval()
            else:
                model.eval()
            corrects = 0
            for inputs, labels in dataloaders[phase]:
                optimizer.zero_grad()
                with torch.set_grad_enabled(phase == "train"):
                    outputs = model(inputs)
                    _, preds = torch.max(outputs, 1)
                    loss = criterion(outputs, labels)
                    if phase == "train":
                        loss.backward()
                        optimizer.step()
                corrects += torch.sum(preds == labels.data).item()
            if phase == "train":
                scheduler.step()
            accuracy = corrects / len(parts[phase])
            print(f"{epoch} {phase} {accuracy:.4f}")
            if phase == "val" and accuracy > best_accuracy:
                best, best_accuracy = copy.deepcopy(model.state_dict()), accuracy
    model.load_state_dict(best)


train_model(3)
