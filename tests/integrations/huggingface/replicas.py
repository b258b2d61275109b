"""The same training in one process or as one of two (gloo); run by test_callback.py.

RANK=... WORLD_SIZE=... python replicas.py FOLDER
"""

import os
import sys
import warnings
from pathlib import Path

import torch
from test_callback import bert, make, synthetic  # of the folder of this script

from bridle.core import Recipe
from bridle.integrations.huggingface import regularize
from bridle.regularizers.averaging import EMA
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L1, L2
from bridle.regularizers.stopping import EarlyStopping
from bridle.regularizers.targets import LabelSmoothing
from bridle.regularizers.terms import ConfidencePenalty
from bridle.regularizers.updates import DecoupledDecay

EXACT = Recipe(
    L1(0.002, scope={"names": "classifier.weight"}),
    L2(0.05, scope={"names": "bert.encoder.*"}),
    DecoupledDecay(0.1, scope="biases"),
    LabelSmoothing(0.1),
    ConfidencePenalty(0.1),
    EMA(0.5),
    EarlyStopping(1),
)


def main() -> None:
    """Write the weights that are kept, what evaluations gave, and which units dropout dropped in this process."""
    warnings.filterwarnings("ignore")
    folder, processes = Path(sys.argv[1]), int(os.environ["WORLD_SIZE"])
    rank = int(os.environ.get("RANK", "0"))
    settings = {"per_device_train_batch_size": 8 // processes, "per_device_eval_batch_size": 16 // processes}
    if processes > 1:
        settings["ddp_backend"] = "gloo"
    model = bert(hidden_dropout_prob=0.0)
    # No Adam: it blows the rounding of gradients that should be zero (of keys' biases) up to steps of full size.
    steep = {"optim": "sgd", "learning_rate": 1.0}
    data = synthetic(32), synthetic(16, seed=1)
    trainer = make(model, folder / f"run{processes}", *data, 12, **steep, **settings)
    regularize(trainer, EXACT)
    trainer.train()
    history = trainer.state.log_history
    record = {
        "weights": model.state_dict(),
        "evaluations": [entry["eval_loss"] for entry in history if "eval_loss" in entry],
        "epochs": trainer.state.epoch,
    }
    other, seen = bert(), []
    trainer = make(other, folder / f"noise{processes}", synthetic(32), epochs=1, **settings)
    regularize(trainer, Recipe(Dropout(0.5)))
    other.classifier.register_forward_pre_hook(
        lambda head, inputs: seen.append(inputs[0] == 0) if head.training else None
    )
    trainer.train()
    torch.save(record | {"dropped": seen[0]}, folder / f"{processes}-{rank}.pt")


if __name__ == "__main__":
    main()
