"""How long does an epoch with augmentation and L2 take in Bridle and in Keras 3, and how well do both generalise?

MNIST: an MLP 784-256-128-10, batch 64, Adam at 1e-3 (constant, and falling on a cosine), rotation by up to 10 degrees
and shifts by up to 0.1 on the fly, canonical L2 of 1e-4 on the kernels (Keras ``L2(5e-5)``), 10 epochs. CIFAR-10:
convolutions of 32 and 64 with max pooling and a layer of 128, flips and shifts, the same L2, in float32 and bfloat16.

    python benchmarks/augmented_training.py --data shared/data --keras-python /path/to/venv/bin/python

Every training runs in a process of its own, with the same number of threads; the frameworks take turns, so that the
ratio of their medians is not one of two moments. A third side states what bounds the ratio: a plain PyTorch loop with
fused Adam on the same network, without any augmentation or penalty. Writes one JSON file with every run, the versions
and the hardware.
"""

import argparse
import gzip
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve()
TARGETS = {"mnist_ratio": 4.0, "mnist_accuracy": 0.98, "cifar10_ratio": 2.0}


def unzipped(path: Path) -> bytes:
    """The content of a gzip file."""
    with gzip.open(path) as file:
        return file.read()


def idx(path: Path) -> np.ndarray:
    """An IDX file of bytes."""
    raw = unzipped(path)
    shape = [int.from_bytes(raw[4 + 4 * axis : 8 + 4 * axis], "big") for axis in range(raw[3])]
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape)


def mnist(folder: Path) -> tuple[np.ndarray, ...]:
    """Images ``(N, 1, 28, 28)`` of bytes and labels, for training and test."""
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    x, y, x_test, y_test = (idx(folder / "mnist" / f"{name}-ubyte.gz") for name in names)
    return x[:, None], y.astype(np.int64), x_test[:, None], y_test.astype(np.int64)


def cifar10(folder: Path) -> tuple[np.ndarray, ...]:
    """Images ``(N, 3, 32, 32)`` of bytes and labels: the training batches that are there, and the test batch."""
    parts = []
    for pattern in ("data_batch_*.bin.gz", "test_batch.bin.gz"):
        files = sorted((folder / "cifar10").glob(pattern))
        records = np.concatenate([np.frombuffer(unzipped(file), np.uint8).reshape(-1, 3073) for file in files])
        parts += [records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].astype(np.int64)]
    return tuple(parts)


DATA = {"mnist": mnist, "cifar10": cifar10}


class Clock:
    """Keeps wall time and processor time (of all threads together) of every epoch."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.cpu_seconds: list[float] = []

    def begin(self, *_: Any) -> None:
        self.seconds.append(-time.perf_counter())
        self.cpu_seconds.append(-time.process_time())

    def end(self, *_: Any) -> None:
        self.seconds[-1] += time.perf_counter()
        self.cpu_seconds[-1] += time.process_time()


def bridle_run(task: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Train with Bridle: seconds of every epoch, and the test accuracy after the last."""
    from bridle.engine.process import prepare

    prepare()
    import torch

    torch.set_num_threads(arguments.threads)
    import bridle
    from bridle.data.dataset import Dataset
    from bridle.engine.member import MemberTraining
    from bridle.engine.setting import Setting
    from bridle.engine.trained import Trained
    from bridle.metrics.catalogue import find
    from bridle.population import Member
    from bridle.records import Fold, Kind, Layout, Task

    x, y, x_test, y_test = DATA[task](arguments.data)
    x, y = x[: arguments.examples], y[: arguments.examples]
    classes = tuple(str(label) for label in range(10))
    layout = Layout(Kind.IMAGE, Task.CLASSIFICATION, x.shape[1:], classes=classes)
    moves = (
        (bridle.Rotation(10.0), bridle.Shift(0.1)) if task == "mnist" else (bridle.HorizontalFlip(), bridle.Shift(0.1))
    )
    recipe = bridle.Recipe(
        *moves,
        bridle.L2(1e-4),
        training=bridle.Training(
            optimizer="adam",
            learning_rate=1e-3,
            schedule=arguments.schedule,
            epochs=arguments.epochs,
            batch_size=64,
            precision=arguments.precision,
        ),
    )
    setting = Setting(Dataset(x, y, layout), find("accuracy"), model=torch_net(task))
    fold = Fold(0, np.zeros(len(x), dtype=np.int8))
    training = MemberTraining(Member(0, recipe, fold, arguments.seed), setting)
    clock = Clock()
    for _ in range(arguments.epochs):
        clock.begin()
        training.train_epoch()
        clock.end()
    trained = Trained(training.model, training.examples.preprocessing, setting.device)
    predicted = trained.predict(Dataset(x_test, y_test, layout)).argmax(1)
    versions = {"python": platform.python_version(), "torch": torch.__version__, "bridle": _version("bridle")}
    return {**vars(clock), "accuracy": float((predicted == y_test).mean()), "versions": versions}


def torch_net(task: str) -> Any:
    """A factory of the network in torch, with the initial weights that Keras gives."""
    from torch import nn

    def glorot(net: nn.Module) -> nn.Module:
        for module in net.modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        return net

    def make_mlp() -> nn.Module:
        layers = [nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)]
        return glorot(nn.Sequential(nn.Flatten(), *layers))

    def make_cnn() -> nn.Module:
        convolutions = [nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        convolutions += [nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        head = [nn.Flatten(), nn.Linear(64 * 8 * 8, 128), nn.ReLU(), nn.Linear(128, 10)]
        return glorot(nn.Sequential(*convolutions, *head))

    return make_mlp if task == "mnist" else make_cnn


def torch_run(task: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """The floor: the bare network in a plain loop, without any regularization."""
    import torch

    torch.set_flush_denormal(True)
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    x, y, x_test, y_test = DATA[task](arguments.data)
    x, y = x[: arguments.examples], y[: arguments.examples]
    inputs, test = (torch.from_numpy(images.astype(np.float32) / 255) for images in (x, x_test))
    mean, deviation = inputs.mean((0, 2, 3), keepdim=True), inputs.std((0, 2, 3), keepdim=True)
    inputs, test, labels = (inputs - mean) / deviation, (test - mean) / deviation, torch.from_numpy(y)
    net = torch_net(task)().to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(net.parameters(), 1e-3, fused=True)
    clock = Clock()
    for _ in range(arguments.epochs):
        clock.begin()
        for rows in torch.randperm(len(inputs)).split(64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(inputs[rows]), labels[rows]).backward()
            optimizer.step()
        clock.end()
    with torch.no_grad():
        predicted = net(test).argmax(1).numpy()
    versions = {"python": platform.python_version(), "torch": torch.__version__}
    return {**vars(clock), "accuracy": float((predicted == y_test).mean()), "versions": versions}


def keras_run(task: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Train with Keras on TensorFlow: seconds of every epoch, and the test accuracy after the last."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    tf.config.threading.set_inter_op_parallelism_threads(arguments.threads)
    keras.utils.set_random_seed(arguments.seed)
    if arguments.precision == "bfloat16":
        keras.config.set_dtype_policy("mixed_bfloat16")

    x, y, x_test, y_test = DATA[task](arguments.data)
    x, y = x[: arguments.examples], y[: arguments.examples]
    scaled = [(images.transpose(0, 2, 3, 1) / np.float32(255)) for images in (x, x_test)]
    mean, deviation = scaled[0].mean((0, 1, 2)), scaled[0].std((0, 1, 2))
    x, x_test = ((images - mean) / deviation for images in scaled)
    # Outside the image is black; the inputs are standardised before the layers that augment.
    model = keras_net(keras, task, x.shape[1:], float((-mean / deviation).mean()))
    rate: Any = 1e-3
    if arguments.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, arguments.epochs * -(-len(x) // 64))
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    clock = Clock()
    callback = keras.callbacks.LambdaCallback(on_epoch_begin=clock.begin, on_epoch_end=clock.end)
    model.fit(x, y, batch_size=64, epochs=arguments.epochs, verbose=0, callbacks=[callback])
    predicted = model.predict(x_test, batch_size=1024, verbose=0).argmax(1)
    versions = {"python": platform.python_version(), "tensorflow": tf.__version__, "keras": keras.__version__}
    return {**vars(clock), "accuracy": float((predicted == y_test).mean()), "versions": versions}


def keras_net(keras: Any, task: str, shape: tuple[int, ...], black: float) -> Any:
    """The network in Keras, with the layers that augment."""
    layers, outside = keras.layers, {"fill_mode": "constant", "fill_value": black}
    l2 = keras.regularizers.L2(5e-5)
    shift = layers.RandomTranslation(0.1, 0.1, **outside)
    if task == "mnist":
        body = [
            layers.RandomRotation(10 / 360, **outside),
            shift,
            layers.Flatten(),
            layers.Dense(256, activation="relu", kernel_regularizer=l2),
        ]
    else:
        body = [
            layers.RandomFlip("horizontal"),
            shift,
            layers.Conv2D(32, 3, padding="same", activation="relu", kernel_regularizer=l2),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu", kernel_regularizer=l2),
            layers.MaxPooling2D(),
            layers.Flatten(),
        ]
    head = [
        layers.Dense(128, activation="relu", kernel_regularizer=l2),
        layers.Dense(10, kernel_regularizer=l2, dtype="float32"),
    ]
    return keras.Sequential([layers.Input(shape), *body, *head])


def _version(package: str) -> str:
    from importlib.metadata import version

    return version(package)


def measure(side: str, task: str, arguments: argparse.Namespace, **options: Any) -> dict[str, Any]:
    """One training in its own process."""
    python = arguments.keras_python if side == "keras" else sys.executable
    flags = {"run": f"{side}:{task}", "data": arguments.data, "threads": arguments.threads, **options}
    command = [python, str(HERE), *(f"--{name}={value}" for name, value in flags.items())]
    environment = os.environ | {"OMP_NUM_THREADS": str(arguments.threads)}
    before = os.getloadavg()[0]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    result = json.loads(done.stdout.splitlines()[-1])
    wall, cpu = (" ".join(f"{value:.2f}" for value in result[name]) for name in ("seconds", "cpu_seconds"))
    print(f"{side:7s} {task:8s} {options}: {wall} s (cpu {cpu}), accuracy {result['accuracy']:.4f}", flush=True)
    return {"side": side, "task": task, **options, "load_before": before, **result}


def compare(task: str, precision: str, repeats: int, arguments: argparse.Namespace, **options: Any) -> dict[str, Any]:
    """All sides in turn, ``repeats`` times each with another seed; the medians and their ratio."""
    sides = ("bridle", "keras", "torch") if precision == "float32" else ("bridle", "keras")
    runs = [
        measure(side, task, arguments, precision=precision, seed=seed, **options)
        for seed in range(repeats)
        for side in sides
    ]
    return {"summary": summarise(runs) | {"task": task, "precision": precision, **options}, "runs": runs}


def summarise(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Per side the median and the fastest epoch and the accuracy; Keras over Bridle as ratios.

    The fastest epoch is the one that the other users of a shared machine disturbed least.
    """
    summary: dict[str, Any] = {}
    for side in dict.fromkeys(run["side"] for run in runs):
        mine = [run for run in runs if run["side"] == side]
        # The first epoch of each run also traces and warms up: it is left out of the median, and stated.
        summary[side] = {
            "seconds_per_epoch": statistics.median(value for run in mine for value in run["seconds"][1:]),
            "cpu_seconds_per_epoch": statistics.median(value for run in mine for value in run["cpu_seconds"][1:]),
            "fastest_epoch": min(value for run in mine for value in run["seconds"]),
            "first_epoch": statistics.median(run["seconds"][0] for run in mine),
            "second_epoch": statistics.median(run["seconds"][1] for run in mine),
            "last_epoch": statistics.median(run["seconds"][-1] for run in mine),
            "accuracy_mean": statistics.mean(run["accuracy"] for run in mine),
            "accuracy_deviation": statistics.stdev(run["accuracy"] for run in mine) if len(mine) > 1 else None,
        }
    for name in ("seconds_per_epoch", "cpu_seconds_per_epoch", "fastest_epoch"):
        summary[f"ratio_{name}"] = summary["keras"][name] / summary["bridle"][name]
    return summary


def hardware() -> dict[str, Any]:
    """What it ran on."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "").split()
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "instructions": sorted(flag for flag in flags if flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16")),
        "system": f"{platform.system()} {platform.machine()}",
    }


def main() -> None:
    """Run one side, or compare both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds mnist/ and cifar10/")
    parser.add_argument("--keras-python", default=sys.executable, help="a python with keras and tensorflow")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5, help="seeds on MNIST")
    parser.add_argument("--cifar-repeats", type=int, default=3)
    parser.add_argument("--bfloat16-examples", type=int, default=60000, help="fewer where bfloat16 has no hardware")
    parser.add_argument("--out", type=Path, default=HERE.parent / "results" / "augmented_training.json")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--precision", default="float32", help=argparse.SUPPRESS)
    parser.add_argument("--schedule", default="constant", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--examples", type=int, default=60000, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        side, _, task = arguments.run.partition(":")
        run = {"bridle": bridle_run, "keras": keras_run, "torch": torch_run}[side]
        print(json.dumps(run(task, arguments)))
        return
    mnist_options = {"epochs": arguments.epochs, "examples": 60000}
    comparisons = [
        compare("mnist", "float32", arguments.repeats, arguments, schedule="constant", **mnist_options),
        compare("mnist", "float32", arguments.repeats, arguments, schedule="cosine", **mnist_options),
        compare("cifar10", "float32", arguments.cifar_repeats, arguments, epochs=4, examples=60000),
        compare("cifar10", "bfloat16", 2, arguments, epochs=3, examples=arguments.bfloat16_examples),
    ]
    record = {
        "question": __doc__.partition("\n")[0],
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "hardware": hardware(),
        "threads": arguments.threads,
        "targets": TARGETS,
        "summaries": [comparison["summary"] for comparison in comparisons],
        "runs": [run for comparison in comparisons for run in comparison["runs"]],
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    for summary in record["summaries"]:
        ours, theirs = summary["bridle"], summary["keras"]
        schedule = summary.get("schedule", "constant")
        print(
            f"{summary['task']} {summary['precision']} {schedule}: Bridle {ours['seconds_per_epoch']:.2f} s per epoch, "
            f"Keras {theirs['seconds_per_epoch']:.2f} s, ratio {summary['ratio_seconds_per_epoch']:.2f} "
            f"(processor time {summary['ratio_cpu_seconds_per_epoch']:.2f}, fastest epochs "
            f"{summary['ratio_fastest_epoch']:.2f}); accuracy {ours['accuracy_mean']:.4f} "
            f"and {theirs['accuracy_mean']:.4f}; last epoch over second {ours['last_epoch'] / ours['second_epoch']:.2f}"
        )
        if "torch" in summary:
            print(f"  a bare loop without regularization: {summary['torch']['seconds_per_epoch']:.2f} s per epoch")


if __name__ == "__main__":
    main()
