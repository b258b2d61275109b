"""The same fit in one process and in two (gloo, spawned); run by test_lightning.py.

python lightning_replicas.py FOLDER
"""

import sys
import warnings
from pathlib import Path

import lightning.pytorch as pl
import torch
from lightning.pytorch.strategies import DDPStrategy
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import Adam
from torch.utils.data import DataLoader, TensorDataset

from bridle.core import Recipe
from bridle.integrations.lightning import Regularize
from bridle.regularizers.averaging import EMA
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L1, L2
from bridle.regularizers.stopping import EarlyStopping
from bridle.regularizers.targets import LabelSmoothing
from bridle.regularizers.terms import ConfidencePenalty

EXACT = Recipe(
    L1(0.05, scope={"names": "net.0.*"}),
    L2(0.1, scope={"names": "net.3.*"}),
    LabelSmoothing(0.1),
    ConfidencePenalty(0.1),
    EMA(0.8),
    EarlyStopping(3),
)


class Net(pl.LightningModule):
    """A small classifier in float64 that writes which units its dropout dropped."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Dropout(0.0), nn.Linear(8, 3)).double()
        self.folder = folder

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits."""
        hidden = self.net[2](self.net[1](self.net[0](x)))
        if self.training:
            torch.save(hidden == 0, self.folder / f"mask{self.global_rank}.pt")
        return self.net[3](hidden)

    def training_step(self, batch: list[torch.Tensor], batch_idx: int) -> torch.Tensor:
        """The data loss."""
        return cross_entropy(self(batch[0]), batch[1])

    def validation_step(self, batch: list[torch.Tensor], batch_idx: int) -> None:
        """The clean loss of this process's rows."""
        self.log("val_loss", cross_entropy(self(batch[0]), batch[1]), batch_size=len(batch[0]))

    def _part(self) -> slice:
        """Every second row for each of two: their batches are together those of one process."""
        return slice(self.global_rank, None, self.trainer.world_size)

    def train_dataloader(self) -> DataLoader:
        """Four batches."""
        return loader(64, 16 // self.trainer.world_size, 0, self._part())

    def val_dataloader(self) -> DataLoader:
        """One batch."""
        return loader(32, 32, 1, self._part())

    def configure_optimizers(self) -> Adam:
        """Adam."""
        return Adam(self.parameters(), 0.05)


def loader(count: int, batch: int, seed: int, part: slice) -> DataLoader:
    """A part of the rows, in their order."""
    source = torch.Generator().manual_seed(seed)
    inputs = torch.randn(count, 6, generator=source, dtype=torch.float64)
    targets = (inputs[:, 0] > 0).long() + (inputs[:, 1] > 0.5).long()
    return DataLoader(TensorDataset(inputs[part], targets[part]), batch_size=batch)


def fit(folder: Path, recipe: Recipe, processes: int, epochs: int) -> Net:
    """Train; the weights of the first process come back."""
    strategy = DDPStrategy(process_group_backend="gloo", start_method="spawn") if processes > 1 else "auto"
    model = Net(folder)
    trainer = pl.Trainer(
        accelerator="cpu",
        devices=processes,
        strategy=strategy,
        max_epochs=epochs,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    callback = Regularize(recipe, monitor="val_loss", classes=3)
    trainer.callbacks.append(callback)
    trainer.fit(model)
    return model


def main() -> None:
    """Write the weights of one process and of two, and whether two draw each their own noise."""
    folder = Path(sys.argv[1])
    warnings.filterwarnings("ignore")
    found = {}
    for processes in (1, 2):
        found[processes] = {"weights": fit(folder, EXACT, processes, 4).state_dict()}
    fit(folder, Recipe(Dropout(0.5)), 2, 1)
    one, other = (torch.load(folder / f"mask{rank}.pt") for rank in (0, 1))
    found[2]["masks"] = "differ" if not torch.equal(one, other) else "are the same"
    for processes, record in found.items():
        torch.save(record, folder / f"{processes}.pt")


if __name__ == "__main__":
    main()
