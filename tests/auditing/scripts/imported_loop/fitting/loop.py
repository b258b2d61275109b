import copy

import torch
from torch.nn.functional import cross_entropy


def train(model, optimizer, train_loader, val_loader, patience, restore):
    best_loss, epoch, left, best = float("inf"), 0, patience, None
    while left > 0 and epoch < 100:
        model.train()
        for inputs, targets in train_loader:
            optimizer.zero_grad()
            cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            losses = [cross_entropy(model(inputs), targets).item() for inputs, targets in val_loader]
        loss = sum(losses) / len(losses)
        if loss < best_loss:
            best_loss, left = loss, patience
            if restore:
                best = copy.deepcopy(model.state_dict())
        else:
            left -= 1
        epoch += 1
    if restore:
        model.load_state_dict(best)
