import itertools

import pytest

from bridle.choosing.space import EFFORTS, default_space, default_trials, defaults, effort
from bridle.core import Augmentation, Recipe, between, choice, toml
from bridle.records import Column, Kind, Layout, Task
from bridle.regularizers.catalogue import parse_recipe
from bridle.regularizers.penalties import L1, L2
from bridle.regularizers.stopping import EarlyStopping

DIGITS = Layout(Kind.IMAGE, Task.CLASSIFICATION, (1, 8, 8), classes=tuple("0123456789"))
PHOTOS = Layout(Kind.IMAGE, Task.CLASSIFICATION, (3, 64, 64), classes=("cat", "dog"))
TABLE = Layout(Kind.TABLE, Task.CLASSIFICATION, (2,), columns=(Column("a"), Column("b")), classes=("no", "yes"))
PRICES = Layout(Kind.TABLE, Task.REGRESSION, (2,), columns=(Column("a"), Column("b")))
CODES = Layout(Kind.TABLE, Task.REGRESSION, (1,), columns=(Column("a", categories=("x", "y")),))
LAYOUTS = {"digits": DIGITS, "photos": PHOTOS, "table": TABLE, "prices": PRICES, "codes": CODES}

any_layout = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())


@any_layout
def test_the_core_is_always_tuned(layout):
    free = default_space(layout, 1437).free()
    assert {"training.learning_rate", "l2.strength", "dropout.rate", "ema.active", "mixup.active"} <= free.keys()
    assert free["training.learning_rate"].log


@any_layout
def test_augmentations_can_act_on_the_data(layout):
    assert all(layout.kind in item.acts_on for item in default_space(layout, 1437).of(Augmentation))


@any_layout
def test_regularizers_that_change_the_question_may_be_left_out(layout):
    kept = [item for item in default_space(layout, 1437).regularizers if not item.optional]
    assert [item.key for item in kept] == ["dropout", "l2"]


def test_label_smoothing_is_for_classes():
    assert "label_smoothing" in default_space(TABLE, 1437).active
    assert "label_smoothing" not in default_space(PRICES, 1437).active


def test_noise_needs_a_numeric_column():
    assert "feature_noise" in default_space(PRICES, 1437).active
    assert "feature_noise" not in default_space(CODES, 1437).active


def test_images_are_moved_and_photos_recoloured():
    grey, colour = (default_space(layout, 1437).active for layout in (DIGITS, PHOTOS))
    assert {"shift", "rotation"} <= set(grey)
    assert set(colour) - set(grey) == {"horizontal_flip", "colour", "erasing"}


@any_layout
def test_a_space_reads_back_from_its_text(layout):
    space = default_space(layout, 1437)
    assert parse_recipe(toml.dumps(space)) == space


def test_small_data_gets_small_batches_and_many_epochs():
    digits, mnist = effort(1437, Kind.IMAGE), effort(60_000, Kind.IMAGE)
    assert (digits.epochs, digits.batch_size) == (16, 64)
    assert (mnist.epochs, mnist.batch_size) == (10, 128)
    assert default_space(DIGITS, 1437).training.epochs == 16
    assert default_space(DIGITS, 60_000).training.batch_size == 128


def test_efforts_are_ordered_and_cover_all_sizes():
    for smaller, larger in (pair for efforts in EFFORTS.values() for pair in itertools.pairwise(efforts)):
        assert smaller.rows < larger.rows
        assert smaller.epochs >= larger.epochs
        assert smaller.batch_size <= larger.batch_size
        assert smaller.trials >= larger.trials
    assert default_trials(1, Kind.TABLE) == EFFORTS[Kind.TABLE][0].trials
    assert default_trials(10**9, Kind.IMAGE) == EFFORTS[Kind.IMAGE][-1].trials


def test_the_first_asks_are_plain_and_full():
    space = default_space(DIGITS, 1437)
    plain, mild, full = (space.settle(values).active for values in defaults(space, DIGITS))
    assert plain == ("dropout", "l2")
    assert mild == full == ("shift", "rotation", "dropout", "l2", "ema")


def test_photos_are_mirrored_in_full():
    space = default_space(PHOTOS, 1437)
    assert "horizontal_flip" in space.settle(defaults(space, PHOTOS)[1]).active
    assert "horizontal_flip" not in space.settle(defaults(space)[1]).active


def test_the_first_asks_stand_a_quarter_and_half_of_the_way_along_the_ranges():
    space = Recipe(L2(between(1e-6, 1e-2)), L1(choice(0.0, 1e-4, 1e-3)), EarlyStopping(patience=between(2, 10)))
    assert defaults(space) == [
        {"l2.strength": pytest.approx(1e-5), "l1.strength": 0.0, "early_stopping.patience": 4},
        {"l2.strength": pytest.approx(1e-4), "l1.strength": 1e-4, "early_stopping.patience": 6},
    ]


@pytest.mark.parametrize(("known", "first"), [(0.01, 0.01), (0.5, 0.03), (None, (1e-3 * 3e-2) ** 0.5)])
def test_the_first_asks_start_from_the_rate_that_did_best_without_regularization(known, first):
    space = default_space(TABLE, 1437)
    rates = {values["training.learning_rate"] for values in defaults(space, TABLE, known)}
    assert len(rates) == 1
    assert rates.pop() == pytest.approx(first)
