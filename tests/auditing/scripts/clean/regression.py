"""A regression with a closure for LBFGS after Adam, an L2 penalty in the training loss only, arrays and no loader."""

import torch
from sklearn.datasets import load_diabetes
from torch import nn

table, target = load_diabetes(return_X_y=True)
table, target = torch.tensor(table * 20, dtype=torch.float32), torch.tensor(target / 100, dtype=torch.float32)
model = nn.Sequential(nn.Linear(10, 16), nn.Tanh(), nn.Linear(16, 1))
criterion = nn.MSELoss()


def data_loss(rows):
    return criterion(model(table[rows]).squeeze(1), target[rows])


adam = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(20):
    model.train()
    for rows in torch.randperm(350).split(50):
        adam.zero_grad()
        penalty = sum(weight.square().sum() for name, weight in model.named_parameters() if "bias" not in name)
        (data_loss(rows) + 1e-3 * penalty).backward()
        adam.step()
    model.eval()
    with torch.inference_mode():
        print(epoch, data_loss(torch.arange(350, 442)).item())

lbfgs = torch.optim.LBFGS(model.parameters(), max_iter=5)


def closure():
    lbfgs.zero_grad()
    loss = data_loss(torch.arange(350))
    loss.backward()
    return loss


model.train()
lbfgs.step(closure)
