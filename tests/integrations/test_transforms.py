"""torchvision's and kornia's transforms, and those of a module of one's own, in Bridle's jobs."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

import bridle
from bridle.core import Draws
from bridle.engine.packs import plan
from bridle.errors import RecipeError
from bridle.population import crew
from bridle.records import Kind
from bridle.regularizers.augment import Transform
from bridle.testing import check_law, laws_of, material
from bridle.testing.augmentations import augmentation_stacks

VIEWS = """
import numpy as np
import torch


def view(image):
    return image.roll(int(torch.randint(3, ())), -1) * np.random.uniform(0.5, 1.0)


def net(example, outputs):
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(example.numel(), outputs))
"""
NET = "my_views:net"
OPERATORS = torch.library.Library("torchvision", "FRAGMENT")


@pytest.fixture
def kornia():
    return pytest.importorskip("kornia.augmentation")


@pytest.fixture
def torchvision():
    """torchvision; beside a torch that it was not made for, two operators have to be there before it is imported."""
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed")
    try:
        import torchvision.transforms.v2
    except RuntimeError:
        for name in [name for name in sys.modules if name.startswith("torchvision")]:
            del sys.modules[name]
        for name in ("nms", "qnms"):
            OPERATORS.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision.transforms.v2
    return torchvision.transforms.v2


@pytest.fixture
def pictures():
    """60 pictures of two classes that differ in brightness."""
    generator = np.random.default_rng(0)
    classes = np.arange(60) % 2
    images = generator.integers(0, 120, (60, 3, 8, 8)) + 100 * classes[:, None, None, None]
    return images.astype(np.uint8), classes


@pytest.fixture
def views(tmp_path, monkeypatch):
    (tmp_path / "my_views.py").write_text(VIEWS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield "my_views:view"
    sys.modules.pop("my_views", None)


def batch():
    return material.batch(Kind.IMAGE, torch.device("cpu"), torch.float32)


def test_kornia_makes_the_views_that_it_makes_under_the_same_seed(kornia):
    transform = bridle.transforms.kornia("RandomAffine", degrees=20.0, translate=[0.1, 0.1], p=1.0)
    seen, draws = batch(), Draws(1, 2, 3)
    found = transform.apply(seen, draws).inputs
    numbers = (draws.per_example(transform.key, seen.examples, seen.times, 2) * 2**24).long().tolist()
    affine = kornia.RandomAffine(20.0, (0.1, 0.1), p=1.0)
    with torch.random.fork_rng():
        for image, view, (high, low) in zip(seen.inputs, found, numbers, strict=True):
            torch.manual_seed((high << 24) | low)
            torch.testing.assert_close(view, affine(image[None])[0])


@pytest.mark.parametrize("library", ["kornia", "torchvision"])
def test_a_flip_of_theirs_mirrors_some_examples(library, request):
    request.getfixturevalue(library)
    flips = getattr(bridle.transforms, library)("RandomHorizontalFlip", p=0.5)
    assert flips.key == "RandomHorizontalFlip"
    found = flips.apply(batch(), Draws(1, 0, 0)).inputs
    mirrored = [torch.equal(view, image.flip(-1)) for view, image in zip(found, batch().inputs, strict=True)]
    kept = [torch.equal(view, image) for view, image in zip(found, batch().inputs, strict=True)]
    assert {*zip(mirrored, kept, strict=True)} == {(True, False), (False, True)}


@pytest.mark.parametrize("library", ["kornia", "torchvision"])
def test_a_transform_of_theirs_keeps_the_laws_of_views(library, request, monkeypatch):
    request.getfixturevalue(library)
    monkeypatch.setattr(Transform, "acts_on", frozenset({Kind.IMAGE}))
    erasing = getattr(bridle.transforms, library)("RandomErasing", p=1.0, rate=0.5)
    for law in laws_of(Transform):
        if law is not augmentation_stacks:  # batches are made before members are stacked
            check_law(law, erasing)


def test_kornia_refuses_what_it_has_not(kornia):
    with pytest.raises(
        RecipeError, match=r"kornia.augmentation has no class 'RandomAfine'\. Did you mean 'RandomAffine'"
    ):
        bridle.transforms.kornia("RandomAfine")
    with pytest.raises(RecipeError, match=r"RandomAffine cannot be built with settings = \{'angle': 3\}: TypeError"):
        bridle.transforms.kornia("RandomAffine", angle=3)


def test_they_are_imported_by_who_asks_only():
    code = "import sys, bridle; bridle.transforms.Transform('torch:flip'); print(set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert not {"'kornia'", "'torchvision'"} & set(done.stdout.strip("{}\n").split(", "))


def test_a_preview_shows_it(tmp_path, pictures, views):
    bridle.preview(pictures, bridle.Recipe(bridle.transforms.Transform(views)), tmp_path / "seen.png", count=2, views=3)
    with Image.open(tmp_path / "seen.png") as sheet:
        assert sheet.size[1] > 2 * 60


def test_a_fit_trains_on_it_and_its_recipe_runs_again(tmp_path, pictures, views):
    training = bridle.Training(epochs=2, batch_size=16)
    recipe = bridle.Recipe(bridle.Transform(views), training=training)
    run = bridle.fit(pictures, recipe, out=tmp_path / "one", model=NET)
    assert run.recipe == recipe
    again = bridle.fit(pictures, tmp_path / "one" / "recipe.toml", out=tmp_path / "two", model=NET)
    plain = bridle.fit(pictures, bridle.Recipe(training=training), out=tmp_path / "three", model=NET)
    one, two, three = (run.evidence.tested[0].outcomes[0].curves.series for run in (run, again, plain))
    assert one == two
    assert one["data_loss"] != three["data_loss"]


def test_a_fit_refuses_what_its_recipe_file_cannot_hold(tmp_path, pictures):
    recipe = bridle.Recipe(bridle.Transform(lambda image: image / 2), training=bridle.Training(epochs=1))
    with pytest.raises(RecipeError, match=r"lambda.* has no name that a recipe file could hold"):
        bridle.fit(pictures, recipe, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_any_number_of_workers_draws_the_same(tmp_path, pictures, views, monkeypatch):
    for module in (crew, plan):
        monkeypatch.setattr(module, "START_SECONDS", 0.0)
    space = bridle.Recipe(
        bridle.Transform(views, rate=bridle.between(0.2, 1.0)), training=bridle.Training(epochs=2, batch_size=16)
    )
    found = []
    for workers in (1, 2):
        run = bridle.fit(
            pictures, space, out=tmp_path / str(workers), folds=2, trials=2, workers=workers, model=NET, seeds=1
        )
        found.append([outcome.curves.series for one in run.evidence.candidates for outcome in one.outcomes])
    assert found[0] == found[1]
