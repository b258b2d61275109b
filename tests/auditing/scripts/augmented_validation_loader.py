"""One dataset with one transform, split in two: validation gets the training's random shifts."""

import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split


class Digits(Dataset):
    def __init__(self, transform=None):
        self.images = torch.tensor(load_digits().images, dtype=torch.float32) / 16
        self.labels = torch.tensor(load_digits().target)
        self.transform = transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = self.images[index]
        return (self.transform(image) if self.transform else image), self.labels[index]


def shifted(image):
    return torch.roll(image, tuple(torch.randint(-1, 2, (2,)).tolist()), (0, 1))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rate", type=float, default=0.1)
    rate = options.parse_args().rate
    training, validation = random_split(Digits(shifted), [1400, 397])
    loaders = {
        "train": DataLoader(training, batch_size=128, shuffle=True),
        "val": DataLoader(validation, batch_size=128),
    }
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    for _ in range(3):
        for phase in ("train", "val"):
            model.train(phase == "train")
            for images, labels in loaders[phase]:
                with torch.set_grad_enabled(phase == "train"):
                    loss = nn.functional.cross_entropy(model(images), labels)
                if phase == "train":
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()


if __name__ == "__main__":
    main()
