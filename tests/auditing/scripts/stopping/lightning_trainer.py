"""Lightning's early stopping; --save keeps the best weights in a file, --best tests those, --last the last ones."""

import logging
import sys
import tempfile

import lightning as L
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
L.seed_everything(0)


class Classifier(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Sequential(nn.Linear(64, 64), nn.ReLU()), nn.Linear(64, 10)

    def forward(self, x):
        return self.head(self.body(x))

    def training_step(self, batch):
        return nn.functional.cross_entropy(self(batch[0]), batch[1])

    def validation_step(self, batch):
        self.log("val_loss", nn.functional.cross_entropy(self(batch[0]), batch[1]))

    def test_step(self, batch):
        self.log("test_loss", nn.functional.cross_entropy(self(batch[0]), batch[1]))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.05)


digits = load_digits()
rows = TensorDataset(torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target))
train, val, test = (torch.utils.data.Subset(rows, range(start, start + 200)) for start in (0, 200, 400))
callbacks = [EarlyStopping("val_loss", patience=2)]
if "--save" in sys.argv:
    callbacks.append(ModelCheckpoint(monitor="val_loss"))
trainer = L.Trainer(
    max_epochs=40,
    accelerator="cpu",
    callbacks=callbacks,
    logger=False,
    log_every_n_steps=1,
    enable_progress_bar=False,
    enable_model_summary=False,
    default_root_dir=tempfile.mkdtemp(),
)
model = Classifier()
trainer.fit(model, DataLoader(train, batch_size=20, shuffle=True), DataLoader(val, batch_size=100))
if "--best" in sys.argv:
    trainer.test(model, DataLoader(test, batch_size=100), ckpt_path="best", verbose=False)
if "--load" in sys.argv:
    model = Classifier.load_from_checkpoint(trainer.checkpoint_callback.best_model_path)
if "--last" in sys.argv:
    trainer.test(model, DataLoader(test, batch_size=100), verbose=False)
if "--export" in sys.argv:
    torch.save(model.state_dict(), f"{tempfile.mkdtemp()}/model.pt")
