"""MNIST with penalty and augmentation together: originals plus augmented copies, and L2 on the weights.

The network is an MLP, 784-256-128-10, trained with Adam for 10 epochs. ``expand=3`` makes the training set the 60,000
originals and three copies of each, turned by up to 10 degrees and shifted by up to a tenth of the side. The copies are
the same in every epoch; their draws are counted, so they are computed again when they are needed and never stored. The
10,000 official test images are sealed until the training is done. Beside it the same network without either.

    python examples/mnist_augmented.py DATA      # the folder of the four IDX files; by default $BRIDLE_DATA/mnist

In full, one seed, on a processor that other work kept busy (so only compare the seconds with each other):

                  accuracy  log-loss  clean train loss  seconds
    plain           98.47%    0.0611            0.0014    155.5
    augmented       98.94%    0.0311            0.0025    649.3

The plain network knows its training images by heart and is overconfident on new ones; the augmented one halves the
log-loss on the test images, for four times as many steps.
"""

import argparse
import os
from pathlib import Path

from torch import nn

import bridle


def make_net() -> nn.Module:
    """784-256-128-10."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="MNIST: L2 with augmented copies.")
    parser.add_argument("data", nargs="?", default=Path(os.environ.get("BRIDLE_DATA", "data"), "mnist"))
    parser.add_argument("--quick", action="store_true", help="one epoch and one copy of each image")
    args = parser.parse_args()

    training = bridle.Training(
        optimizer="adam",
        learning_rate=1e-3,
        epochs=1 if args.quick else 10,
        batch_size=64,
        expand=1 if args.quick else 3,
    )
    augmented = bridle.Recipe(
        bridle.L2(1e-4), bridle.Rotation(degrees=10), bridle.Shift(fraction=0.1), training=training
    )
    plain = bridle.Recipe(training=training.replace(expand=0))

    print(f"{'':12}{'accuracy':>10}{'log-loss':>10}{'clean train loss':>18}{'seconds':>9}  report")
    for name, recipe in {"plain": plain, "augmented": augmented}.items():
        run = bridle.fit(args.data, recipe, model=make_net)
        tested = run.evidence.tested[0]
        metrics, outcome = tested.metrics, tested.outcomes[0]
        print(
            f"{name:12}{metrics['accuracy'].value:>10.2%}{metrics['log_loss'].value:>10.4f}"
            f"{outcome.curves.series['clean'][-1]:>18.4f}{outcome.seconds:>9.1f}  {run.folder / 'report.html'}"
        )


if __name__ == "__main__":
    main()
