"""Every kind of data goes the whole way: search or fit, report, and predictions that agree with the run."""

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import bridle


def columns(path):
    with Path(path).open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return {name: [row[place] for row in rows] for place, name in enumerate(header)}


def whole_way(cli, *arguments):
    """A fit that must succeed; gives its evidence."""
    result = cli("fit", *arguments, "--out", "run")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == "Report: run/report.html"
    assert Path("run/report.html").stat().st_size > 100_000
    return json.loads(Path("run/evidence.json").read_text(encoding="utf-8"))


def test_a_table_is_searched_and_predicted(cli, make):
    make.table(Path("train.csv.gz"))
    make.table(Path("test.csv"), make.rows[:10])
    asked = ("--target", "bought", "--recipe", "space.toml", "--trials", 2, "--folds", 2, "--seeds", 2)
    evidence = whole_way(cli, "train.csv.gz", "--test", "test.csv", *asked)
    assert evidence["data"]["rows"] == {"train": 40, "test": 10}
    assert len(evidence["candidates"]) == 2
    assert {item["name"] for item in evidence["baselines"]} == {"none", "adamw", "early stopping"}
    assert evidence["tested"][0]["name"] == "chosen"
    assert evidence["openings"] == 1

    Path("new.csv").write_text("town,age\nUri,25\nZug,\n,33\n")
    result = cli("predict", "run", "new.csv")
    assert result.exit_code == 0, result.output
    predicted = columns("predictions.csv")
    assert list(predicted) == ["prediction", "probability_no", "probability_yes"]
    for name, *shares in zip(*predicted.values(), strict=True):
        assert sum(map(float, shares)) == pytest.approx(1, abs=1e-5)
        assert name == ("no", "yes")[np.argmax(list(map(float, shares)))]


def test_a_regression_by_itself(cli, make):
    rows = [f"{row},{row % 7},{100 + 3 * row + row % 5}.5" for row in range(60)]
    make.table(Path("prices.tsv"), [row.replace(",", "\t") for row in rows], "size\trooms\tprice")
    evidence = whole_way(cli, "prices.tsv", "--target", "price", "--recipe", "fixed.toml")
    assert (evidence["task"], evidence["metric"]) == ("regression", "rmse")
    assert len(evidence["residuals"]["true"]) == 12
    cli("predict", "run", "prices.tsv", "--out", "p.csv")
    predicted = columns("p.csv")
    assert list(predicted) == ["prediction"]
    assert len(predicted["prediction"]) == 60
    assert 50 < np.mean([float(value) for value in predicted["prediction"]]) < 400


def test_parquet_with_groups_weights_and_categories(cli, make):
    count = 60
    frame = pl.DataFrame(
        {
            "zip": [8000 + row % 3 for row in range(count)],
            "age": [float(row) if row % 9 else None for row in range(count)],
            "house": [row // 4 for row in range(count)],
            "importance": [1.0 + row % 2 for row in range(count)],
            "id": list(range(count)),
            "bought": [row % 2 == 0 for row in range(count)],
        }
    )
    frame.write_parquet("people.parquet")
    columns = ("--categorical", "zip", "--group", "house", "--weights", "importance", "--drop", "id")
    whole_way(cli, "people.parquet", "--target", "bought", "--recipe", "fixed.toml", *columns)
    layout = json.loads(Path("run/model.json").read_text())["layout"]
    assert {column["name"] for column in layout["columns"]} == {"zip", "age"}
    assert {column["name"]: column["categories"] for column in layout["columns"]}["zip"] == ["8000", "8001", "8002"]


def test_a_folder_of_images(cli, make):
    for number, (mode, ending) in enumerate([("L", "png"), ("RGBA", "png"), ("P", "png"), ("RGB", "jpg")] * 5):
        for name in ("<b>cat", "dog"):
            path = Path("photos") / name / f"{number}.{ending}"
            make.image(path, number + 100 * (name == "dog"), mode, (9 + number % 3, 12))
    Path("flip.toml").write_text("[training]\nepochs = 1\n[[regularizers]]\nname = 'horizontal_flip'\nrate = 0.5\n")
    evidence = whole_way(cli, "photos", "--size", 12, "--recipe", "flip.toml")
    assert evidence["data"]["shape"] == [3, 12, 12]
    assert evidence["data"]["classes"] == ["<b>cat", "dog"]
    assert {sample["label"] for sample in evidence["gallery"]} == {"<b>cat", "dog"}
    assert "<b>cat" not in Path("run/report.html").read_text(encoding="utf-8")
    result = cli("predict", "run", "photos", "--out", "p.csv")
    assert result.exit_code == 0, result.output
    assert len(columns("p.csv")["prediction"]) == 40


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_idx_files_with_their_official_test(cli, make, ending):
    generator = np.random.default_rng(0)
    for part, count in (("train", 30), ("t10k", 10)):
        make.idx(Path("small") / f"{part}-images-idx3-ubyte{ending}", generator.integers(0, 256, (count, 8, 8)))
        make.idx(Path("small") / f"{part}-labels-idx1-ubyte{ending}", np.arange(count) % 3)
    evidence = whole_way(cli, "small", "--recipe", "fixed.toml")
    assert evidence["data"]["rows"] == {"train": 30, "test": 10}
    assert evidence["data"]["classes"] == ["0", "1", "2"]


def test_cifar_records(cli):
    generator = np.random.default_rng(0)
    Path("cifar").mkdir()
    for name, count in (("data_batch_1.bin", 20), ("test_batch.bin.gz", 10)):
        records = generator.integers(0, 256, (count, 3073), dtype=np.uint8)
        records[:, 0] = np.arange(count) % 10
        content = records.tobytes()
        Path("cifar", name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    evidence = whole_way(cli, "cifar", "--recipe", "fixed.toml")
    assert evidence["data"]["shape"] == [3, 32, 32]
    assert evidence["data"]["rows"] == {"train": 20, "test": 10}


def test_arrays(cli):
    generator = np.random.default_rng(0)
    np.savez("data.npz", X=generator.normal(size=(40, 5)), y=np.array(["a", "b"] * 20))
    evidence = whole_way(cli, "data.npz", "--recipe", "fixed.toml")
    assert evidence["data"]["classes"] == ["a", "b"]
    np.savez("new.npz", X=generator.normal(size=(3, 5)))
    assert cli("predict", "run", "new.npz").exit_code == 0
    assert len(columns("predictions.csv")["prediction"]) == 3


def test_python_data_goes_the_same_way(folder):
    generator = np.random.default_rng(0)
    inputs, targets = generator.normal(size=(40, 5)), np.array(["a", "b"] * 20)
    run = bridle.fit((inputs, targets), "fixed.toml", out="run")
    again = bridle.load("run").predict(inputs)
    assert set(again.prediction) <= {"a", "b"}
    np.testing.assert_array_equal(run.predict(inputs).probabilities, again.probabilities)


def test_a_path_beats_a_bundled_name(cli, make):
    make.images(Path("digits"), each=6)
    evidence = whole_way(cli, "digits", "--recipe", "fixed.toml")
    assert evidence["data"]["classes"] == ["cat", "dog"]


def test_your_own_network_and_loss(cli, folder):
    (folder / "own_nets.py").write_text(
        "from torch import nn\n"
        "def make_net(example, outputs):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(example[0].numel(), 16), nn.ReLU(), nn.Linear(16, outputs))\n"
        "def soft(output, target):\n"
        "    return nn.functional.cross_entropy(output, target, reduction='none')\n"
    )
    whole_way(cli, "digits", "--recipe", "fixed.toml", "--model", "own_nets:make_net", "--loss", "own_nets:soft")
    assert "own_nets:make_net" in Path("run/model.json").read_text()
    result = cli("predict", "run", "digits")
    assert result.exit_code == 2
    assert "trained with a model of your own (own_nets:make_net)" in result.stderr
    assert cli("report", "run").exit_code == 0
    assert cli("predict", "run", "digits", "--model", "own_nets:make_net").exit_code == 0
    assert len(columns("predictions.csv")["prediction"]) == 1797
