"""Lightning with a recipe of Bridle's: a penalty, decoupled decay, smoothed targets and patience."""

import logging

import lightning as L
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import bridle

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
torch.manual_seed(0)


class Classifier(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))

    def training_step(self, batch):
        x, y = batch
        return nn.functional.cross_entropy(self.layers(x), y)

    def validation_step(self, batch):
        x, y = batch
        self.log("val_loss", nn.functional.cross_entropy(self.layers(x), y))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)


digits = load_digits()
x, y = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)
recipe = bridle.Recipe(
    bridle.L1(1e-4), bridle.DecoupledDecay(0.01), bridle.LabelSmoothing(0.1), bridle.EarlyStopping(3)
)
trainer = L.Trainer(
    max_epochs=4,
    accelerator="cpu",
    logger=False,
    enable_checkpointing=False,
    enable_progress_bar=False,
    enable_model_summary=False,
    callbacks=[bridle.lightning.Regularize(recipe, monitor="val_loss", classes=10)],
)
trainer.fit(
    Classifier(),
    DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=64, shuffle=True),
    DataLoader(TensorDataset(x[1400:], y[1400:]), batch_size=200),
)
