"""Each example, run small on files in the real formats."""

import gzip
import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MOST_LINES = 150


@pytest.fixture
def show(tmp_path, monkeypatch, capsys):
    """Runs an example quickly in an empty folder and gives what it printed."""

    def run(name: str, data: Path) -> str:
        monkeypatch.chdir(tmp_path)
        # So little work is fastest with one thread, also where other processes compete for the cores.
        monkeypatch.setattr("bridle.job.start.cores", lambda: 1)
        monkeypatch.setattr(sys, "argv", [name, str(data), "--quick"])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return run


@pytest.fixture
def mnist(tmp_path):
    """IDX files: images whose bright rows tell the digit."""
    folder = tmp_path / "mnist"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for part, count in {"train": 200, "t10k": 100}.items():
        labels = np.arange(count) % 10
        images = generator.integers(0, 60, (count, 28, 28))
        for image, label in zip(images, labels, strict=True):
            image[4 + 2 * label : 6 + 2 * label] += 180
        idx(folder / f"{part}-images-idx3-ubyte.gz", images)
        idx(folder / f"{part}-labels-idx1-ubyte.gz", labels)
    return folder


def idx(path: Path, values: np.ndarray) -> None:
    header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes()
    path.write_bytes(gzip.compress(header + values.astype(np.uint8).tobytes()))


@pytest.fixture
def cifar(tmp_path):
    """CIFAR's binary records: images whose bright rows tell the class."""
    folder = tmp_path / "cifar10"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for part, count in {"data_batch_1": 60, "test_batch": 30}.items():
        labels = np.arange(count) % 10
        images = generator.integers(0, 60, (count, 3, 32, 32))
        for image, label in zip(images, labels, strict=True):
            image[:, 3 * label : 3 * label + 3] += 180
        records = np.column_stack([labels, images.reshape(count, -1)]).astype(np.uint8)
        (folder / f"{part}.bin.gz").write_bytes(gzip.compress(records.tobytes()))
    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    (folder / "batches.meta.txt").write_text("\n".join(names) + "\n")
    return folder


@pytest.fixture
def table(tmp_path):
    """A csv file whose class depends on two of its columns; one number is missing here and there."""
    generator = np.random.default_rng(0)
    lines = ["income,purpose,noise,colour,class"]
    for row in range(120):
        income, purpose = generator.normal(), generator.choice(["car", "radio"])
        noise = "" if row % 10 == 0 else f"{generator.normal():.3f}"
        good = income + (purpose == "car") + 0.3 * generator.normal() > 0.5
        colour = generator.choice(["red", "green", "blue"])
        lines.append(f"{income:.3f},{purpose},{noise},{colour},{'good' if good else 'bad'}")
    path = tmp_path / "loans.csv.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return path


def rows(printed: str) -> dict[str, list[str]]:
    """The lines of the printed tables by their first word."""
    return {line.split()[0]: line.split()[1:] for line in printed.splitlines() if line.strip()}


def percent(text: str) -> float:
    assert re.fullmatch(r"\d+(\.\d+)?%", text), text
    return float(text.rstrip("%"))


def test_mnist_augmented_beats_chance_and_writes_two_reports(show, mnist, tmp_path):
    found = rows(show("mnist_augmented.py", mnist))
    assert {"plain", "augmented"} <= set(found)
    for name in ("plain", "augmented"):
        assert percent(found[name][0]) > 20
        assert (tmp_path / found[name][-1]).is_file()
    assert "expand = 1" in (tmp_path / found["augmented"][-1]).with_name("recipe.toml").read_text()


def test_mnist_penalties_shows_each_penalty_with_its_weights(show, mnist):
    printed = show("mnist_penalties.py", mnist)
    found = rows(printed.split("Weights from")[0])
    assert {"none", "L1", "L2"} <= set(found)
    assert percent(found["none"][5]) == 0.0 < percent(found["L1"][5]) <= percent(found["L1"][4])
    assert all(0 <= percent(value) <= 100 for name in ("none", "L1", "L2") for value in found[name][:2])
    bars = re.findall(r"^(none|L1|L2) +\|([ ▁▂▃▄▅▆▇█]{61})\|$", printed, re.MULTILINE)
    assert [name for name, _ in bars] == ["none", "L1", "L2"]
    assert all("█" in bar for _, bar in bars)


def test_cifar_grid_tries_each_strength_once_and_says_what_it_chose(show, cifar):
    printed = show("cifar_grid.py", cifar)
    assert re.findall(r"^ +(0|0\.001) +\d+\.\d\d% ± ", printed, re.MULTILINE) == ["0", "0.001"]
    assert printed.count("<- chosen") == 1
    for name in ("chosen", "none", "adamw", "early stopping", "floor"):
        assert re.search(rf"^{name} +\d+\.\d\d% \(\d+\.\d\d% to \d+\.\d\d%\)$", printed, re.MULTILINE), name


def test_table_features_names_the_columns_that_l1_drops(show, table):
    printed = show("table_features.py", table)
    found = rows(printed.split("L1 drops")[0])
    assert percent(found["L2"][3]) == 0.0 < percent(found["L1"][3])
    assert found["L2"][4:] == ["4", "of", "4"]
    assert "L2 drops: nothing" in printed
    assert re.search(r"^L1 drops: ", printed, re.MULTILINE)


def test_sgd_224_trains_with_and_without_regularizers(show, cifar, tmp_path):
    found = rows(show("sgd_224.py", cifar))
    assert {"none", "regularized"} <= set(found)
    recipe = (tmp_path / found["regularized"][-1]).with_name("recipe.toml").read_text()
    for name in ("horizontal_flip", "rotation", "resized_crop", "dropout", "l2"):
        assert f'name = "{name}"' in recipe
    assert 'optimizer = "sgd"' in recipe


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_is_short_and_says_what_it_shows(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) < MOST_LINES
    assert lines[0].startswith('"""')


def test_there_are_five_examples_and_each_is_run_here():
    here = Path(__file__).read_text(encoding="utf-8")
    names = [path.name for path in EXAMPLES.glob("*.py")]
    assert len(names) == 5
    assert all(f'show("{name}"' in here for name in names)
