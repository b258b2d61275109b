"""Every bad input ends with status 2 and one line that says what came, what is allowed and what to do."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

FIXED = ("--recipe", "fixed.toml")
BOUGHT = ("--target", "bought", *FIXED)


def match(pattern, line):
    """The whole line, with ``...`` for anything."""
    parts = pattern.split("...")
    place = 0
    assert line.startswith(parts[0]), line
    for part in parts:
        found = line.find(part, place)
        assert found >= 0, f"{part!r} is missing in {line!r}"
        place = found + len(part)
    assert pattern.endswith("...") or place == len(line), line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["nope.csv", *BOUGHT],
            "There is no file or folder 'nope.csv', and no bundled data set of that name (bundled are digits, ...",
        ),
        (
            ["people.csv", "--target", "bougth", *FIXED],
            "people.csv: there is no column 'bougth' (target); the columns are 'age', 'town', 'bought'. "
            "Did you mean 'bought'?",
        ),
        (["people.csv", *FIXED], "people.csv: which column is the target? Name it with --target; the columns are ..."),
        (["people.csv", *BOUGHT, "--drop", "agee"], "people.csv: there is no column 'agee' (drop)...mean 'age'?"),
        (["people.csv", *BOUGHT, "--group", "house"], "people.csv: there is no column 'house' (group); ..."),
        (["people.csv", *BOUGHT, "--task", "guess"], "task must be one of classification, regression; got 'guess'."),
        (
            ["people.csv", *BOUGHT, "--task", "regression"],
            "people.csv: regression needs numbers in the target 'bought'; got 'no' in row 1 (40 such rows). ...",
        ),
        (
            ["people.csv", *BOUGHT, "--metric", "acuracy"],
            "There is no metric 'acuracy'; allowed are log_loss, ...Did you mean 'accuracy'?",
        ),
        (["people.csv", *BOUGHT, "--metric", "rmse"], "The metric 'rmse' is not for classification; allowed are ..."),
        (["people.csv", *BOUGHT, "--folds", "1"], "folds must be at least 2; got 1."),
        (["people.csv", *BOUGHT, "--trials", "0"], "trials must be at least 1; got 0."),
        (["people.csv", *BOUGHT, "--seeds", "0"], "seeds must be at least 1; got 0."),
        (["people.csv", *BOUGHT, "--seed", "-1"], "seed must be at least 0; got -1."),
        (["people.csv", *BOUGHT, "--workers", "-1"], "workers must be at least 0; got -1."),
        (["people.csv", *BOUGHT, "--select", "worst"], "select must be 'one-se' or 'best'; got 'worst'."),
        (["people.csv", *BOUGHT, "--device", "quantum"], "device 'quantum' cannot be used here: ..."),
        (
            ["people.csv", "--target", "bought", "--recipe", "space.toml", "--budget", "soon"],
            "A budget is written like 90s, 10m or 1h30m (seconds, minutes, hours), 500 epochs or 20 trials; got "
            "'soon'.",
        ),
        (
            ["people.csv", "--target", "bought", "--recipe", "space.toml", "--folds", "30", "--trials", "1"],
            "people.csv: class 'no' has 16 row(s) among the 32 training rows, fewer than the 30 folds: ...Either use "
            "--folds 16 or fewer, bring more rows of it, or merge it into another class.",
        ),
        (["people.csv", "--target", "bought", "--recipe", "no.toml"], "The recipe 'no.toml' cannot be read: ..."),
        (
            ["people.csv", *BOUGHT, "--test", "other.csv"],
            "There is no file or folder 'other.csv', and no bundled data set of that name...",
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) else " ".join(value).removesuffix(" ".join(BOUGHT)),
)
def test_options(fails, table, arguments, message):
    match(message, fails("fit", *arguments))


def numbered(rows=40):
    """Rows of a number, a town and a class."""
    return [f"{20 + 2 * row},Bern,{'yes' if row % 2 else 'no'}" for row in range(rows)]


@pytest.mark.parametrize(
    ("name", "rows", "header", "message"),
    [
        ("header only", [], "age,town,bought", "bad.csv: the target 'bought' has no value at all; ..."),
        (
            "one class",
            ["1,Bern,no", "2,Uri,no"] * 10,
            "age,town,bought",
            "bad.csv: the target 'bought' has one class only, 'no'; classification needs at least 2. ...",
        ),
        (
            "constant or missing columns only",
            [f"1,,{'yes' if row % 2 else 'no'}" for row in range(40)],
            "age,town,bought",
            "bad.csv: no input column is left beside the target 'bought'. Column 'age' was dropped: it is 1 in every "
            "row. Column 'town' was dropped: every value is missing.",
        ),
        (
            "infinity",
            [*numbered(), "-inf,Bern,yes", "inf,Bern,no"],
            "age,town,bought",
            "bad.csv: column 'age' is infinite or beyond 3.4e38 in row 41 (2 such rows); inputs must be finite. "
            "Correct them, leave the cells empty, or use --drop age.",
        ),
        (
            "text among numbers",
            [*numbered(600), "old,Bern,no"],
            "age,town,bought",
            "bad.csv: column 'age' holds numbers, but row 601 holds the text 'old' (1 such rows). Correct or empty "
            "these cells, or use --categorical age or --drop age.",
        ),
        (
            "the same name twice",
            numbered(),
            "age,age,bought",
            "bad.csv: the column name 'age' occurs 2 times; names must be different. Rename the columns in the file.",
        ),
        (
            "dates",
            [f"2024-01-{1 + row % 28:02d},{row % 7},{'yes' if row % 2 else 'no'}" for row in range(40)],
            "day,age,bought",
            "bad.csv: column 'day' holds dates ('2024-01-...'); an input must be numbers or ...--drop day...",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value and len(value) < 40 else "",
)
def test_tables(fails, make, name, rows, header, message):
    make.table(Path("bad.csv"), rows, header)
    match(message, fails("fit", "bad.csv", *BOUGHT))


def test_a_class_with_fewer_rows_than_folds(fails, make):
    make.table(Path("bad.csv"), [*make.rows, "1,Bern,maybe", "2,Uri,maybe"])
    line = fails("fit", "bad.csv", "--target", "bought", "--recipe", "space.toml", "--trials", 1)
    match(
        "bad.csv: class 'maybe' has 2 row(s) among the 34 training rows, fewer than the 5 folds: ...--folds 2...", line
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", b"", "empty.csv is empty (0 bytes). Name another file."),
        ("blank.csv", b"\n\n", "blank.csv is empty: its first line must hold the names of the columns. ..."),
        (
            "binary.csv",
            bytes(range(256)) * 9,
            "binary.csv is not text in UTF-8 (invalid start byte). Save it as UTF-8.",
        ),
        ("sheet.xlsx", b"PK", "sheet.xlsx: the format '.xlsx' is not known; allowed are csv, tsv and parquet, ..."),
        ("junk.parquet", b"junk", "junk.parquet cannot be read: ... Check the file."),
        ("junk.npz", b"junk", "junk.npz is no npz file, or a damaged one. Write it with numpy.savez(...)."),
        ("empty.npz", b"", "empty.npz is empty (0 bytes). Name another file."),
    ],
)
def test_files(fails, name, content, message):
    Path(name).write_bytes(content)
    match(message, fails("fit", name, *BOUGHT))


def test_a_truncated_gzip(fails, table):
    packed = gzip.compress(table.read_bytes() * 50)
    Path("cut.csv.gz").write_bytes(packed[: len(packed) // 2])
    match(
        "cut.csv.gz is a truncated gzip file: it ends too early. Fetch it again.", fails("fit", "cut.csv.gz", *BOUGHT)
    )


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"X": np.zeros((10, 8, 8)), "y": np.zeros(9)},
            "bad.npz: there must be one label per image; got 10 images and 9 labels. ...",
        ),
        (
            {"X": np.array([{}, {}], dtype=object), "y": np.arange(2)},
            "bad.npz cannot be read: ...arrays of Python objects are refused.",
        ),
        ({"A": np.zeros((10, 8, 8))}, "bad.npz must hold the arrays X and y; it holds A. Rename them."),
        ({"X": np.full((10, 3), np.inf), "y": np.arange(10) % 2}, "bad.npz: ...infinite..."),
    ],
    ids=["lengths", "objects", "names", "infinities"],
)
def test_arrays(fails, arrays, message):
    np.savez("bad.npz", **arrays)
    match(message, fails("fit", "bad.npz", *FIXED))


def test_idx_files(fails, make, folder):
    make.idx(folder / "digits1" / "train-images-idx3-ubyte", np.zeros((20, 8, 8)))
    match(
        "digits1 lacks the IDX file of the labels beside train-images-idx3-ubyte. ...", fails("fit", "digits1", *FIXED)
    )
    make.idx(folder / "digits1" / "train-labels-idx1-ubyte", np.arange(19) % 2)
    match(
        "digits1: there must be one label per image; got 20 images and 19 labels. ...", fails("fit", "digits1", *FIXED)
    )
    images = folder / "digits1" / "train-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:-100])
    match("digits1/train-images-idx3-ubyte is truncated or damaged: ...", fails("fit", "digits1", *FIXED))


def damage(path):
    path.write_bytes(path.read_bytes()[:60])


def empty(path):
    path.write_bytes(b"")


def huge(path):
    Image.new("1", (20_000, 10_000)).save(path)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (damage, "damaged: image file is truncated"),
        (empty, "empty, 0 bytes"),
        (huge, "huge, more than 89478485 pixels"),
    ],
)
def test_images_that_cannot_be_read(fails, cli, make, spoil, reason):
    make.images(Path("photos"))
    spoil(make.image(Path("photos/cat/x.png"), 1))
    match(
        f"photos: 1 of 25 images cannot be read: photos/cat/x.png ({reason}). Repair or remove them, or leave them out "
        "with --bad-images skip.",
        fails("fit", "photos", *FIXED),
    )
    result = cli("fit", "photos", *FIXED, "--bad-images", "skip", "--out", "run")
    assert result.exit_code == 0, result.output
    note = f"1 of 25 images cannot be read: photos/cat/x.png ({reason}). They were skipped."
    assert note in result.stderr
    assert "photos/cat/x.png" in Path("run/report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "photos holds nothing that can be read; a folder must hold one folder of images ..."),
        (["a.png", "b.png"], "photos must hold one folder of images per class; 2 image(s) lie beside the folders, ..."),
        (["cat/a.png", "cat/b.png"], "photos: the target 'class' has one class only, 'cat'; ..."),
    ],
    ids=["nothing", "no folders", "one folder"],
)
def test_folders(fails, make, files, message):
    Path("photos").mkdir()
    for number, name in enumerate(files):
        make.image(Path("photos") / name, number)
    match(message, fails("fit", "photos", *FIXED))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[", "bad.toml is not valid TOML: ..."),
        ('name = "l2"', "bad.toml has the unknown key 'name'. Allowed are training, regularizers."),
        (
            "[training]\nlearning_rat = 1",
            "bad.toml: [training] has the unknown key 'learning_rat'. Did you mean 'learning_rate'? ...",
        ),
        ("[training]\nepochs = 0", "...training.epochs must lie in [1, inf); got 0."),
        ("[training]\noptimizer = 'lion'", "...training.optimizer must be one of adamw, adam, sgd; got 'lion'."),
        (
            "[[regularizers]]\nname = 'l2'\nstrenght = 1",
            "bad.toml: regularizer 1 (l2) has the unknown key 'strenght'. Did you mean 'strength'? Allowed are ...",
        ),
        (
            "[[regularizers]]\nname = 'dropuot'\nrate = 0.1",
            "bad.toml: regularizer 1 has the unknown name 'dropuot'. Did you mean 'dropout'? `bridle list` shows all.",
        ),
        ("[[regularizers]]\nname = 'l2'", "bad.toml: regularizer 1 (l2) needs a value for strength."),
        (
            "[[regularizers]]\nname = 'l2'\nstrength = -1",
            "bad.toml: regularizer 1 (l2): L2.strength must lie in [0, inf); got -1.",
        ),
        (
            "[[regularizers]]\nname = 'dropout'\nrate = 1",
            "bad.toml: regularizer 1 (dropout): Dropout.rate must lie in [0, 1); got 1.",
        ),
        (
            "[[regularizers]]\nname = 'l2'\nstrength = 'big'",
            "bad.toml: regularizer 1 (l2): L2.strength must be a number in [0, inf); got 'big' (str).",
        ),
        (
            "[[regularizers]]\nname = 'l2'\nstrength = { low = 1, high = 0.1 }",
            "...needs two finite numbers, low < high; got 1 and 0.1.",
        ),
        (
            "[[regularizers]]\nname = 'l2'\nstrength = 1\nscope = { names = 'head.*' , modules = ['Conv2d']}",
            "l2 with scope {...} matches no weight. The model has: ...",
        ),
        (
            "[[regularizers]]\nname = 'rotation'\ndegrees = 10",
            "rotation acts on image data; this is table data. Leave it out of the recipe.",
        ),
        ("[training]\nexpand = 2", "training.expand makes augmented copies, but the recipe has no augmentation. ..."),
    ],
)
def test_recipes(fails, table, text, message):
    Path("bad.toml").write_text(text)
    match(message, fails("fit", "people.csv", "--target", "bought", "--recipe", "bad.toml"))


NETS = """
from torch import nn

def wrong():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 7))

def misfit():
    return nn.Sequential(nn.Flatten(), nn.Linear(63, 10))

def broken():
    raise RuntimeError("my own mistake")

def number():
    return 3

thing = 5

def right():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))

def total(output, target):
    return output.sum()

def faulty(output, target):
    raise RuntimeError("my own mistake")
"""


@pytest.mark.parametrize(
    ("option", "name", "message"),
    [
        (
            "--model",
            "my_nets:wrong",
            "wrong gave an output of shape (2, 7) for two examples but the data has 10 classes: (2, 10) is needed; ...",
        ),
        (
            "--model",
            "my_nets:misfit",
            "misfit gave a network that fails on inputs of shape (2, 1, 8, 8): RuntimeError: ...",
        ),
        ("--model", "my_nets:broken", "broken failed while it built the network: RuntimeError: my own mistake"),
        ("--model", "my_nets:number", "number must return a torch.nn.Module; got int."),
        ("--model", "my_nets:thing", "--model 'my_nets:thing' must name something that can be called; got int."),
        (
            "--model",
            "my_nets:rigth",
            "--model 'my_nets:rigth': the module 'my_nets' has no 'rigth'. Did you mean 'right'?",
        ),
        ("--model", "my_netz:right", "--model 'my_netz:right': there is no module 'my_netz'; ..."),
        ("--model", "my_nets.right", "--model must have the form package.module:name; got 'my_nets.right'."),
        ("--loss", "my_nets:total", "The loss must give one value per example, shape (64,); got (). ..."),
        ("--loss", "my_nets:nothing", "--loss 'my_nets:nothing': the module 'my_nets' has no 'nothing'...."),
    ],
)
def test_models_and_losses(fails, option, name, message):
    Path("my_nets.py").write_text(NETS)
    match(message, fails("fit", "digits", *FIXED, option, name))


@pytest.mark.parametrize("command", ["predict", "report"])
def test_a_folder_that_is_no_run(fails, folder, command):
    arguments = ["people.csv"] if command == "predict" else []
    match("'nowhere' holds no run of Bridle (there is no job.json in it).", fails(command, "nowhere", *arguments))
    match("'nowhere' holds no run of Bridle (there is no job.json in it).", fails("fit", "--resume", "nowhere"))
