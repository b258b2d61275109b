"""What a recipe's other parts are, in sentences."""

from bridle.auditing.own_notes import notes
from bridle.core import Recipe, Training
from bridle.regularizers.augment import Mixup
from bridle.regularizers.averaging import EMA
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L2, HierarchicalLasso
from bridle.regularizers.stopping import EarlyStopping
from bridle.regularizers.targets import LabelSmoothing
from bridle.regularizers.updates import SAM, DecoupledDecay, GradientNoise, MaxNorm, SpectralStep


def test_what_a_penalty_and_a_decay_do_is_measured_without_a_word():
    assert notes(Recipe(L2(0.1), DecoupledDecay(0.1))) == ()


def test_every_other_part_is_named():
    recipe = Recipe(
        Mixup(0.2), Dropout(0.1), LabelSmoothing(0.1), SAM(0.1), GradientNoise(0.1), MaxNorm(1.0), SpectralStep(1.0),
        HierarchicalLasso(0.1), EMA(0.9), EarlyStopping(patience=2), training=Training(closing=5),
    )  # fmt: skip
    assert notes(recipe) == (
        "Part of data, through the data loss: mixup, dropout and label_smoothing.",
        "sam takes the data's gradient at other weights: that is the data's part here.",
        "gradient_noise adds random numbers to the gradient: it was left out while the parts were measured.",
        "max_norm brings weights back within a bound after the step: that is counted as proximal.",
        "spectral_step shortens the step: what it takes back is counted as proximal.",
        "hierarchical_lasso ties two weights by a constraint: its movement is told, its strength is not measured.",
        "ema: an average follows the weights and moves none; the step starts from that average.",
        "early_stopping ends the training and is in no step.",
        "The closing phase, with full gradients after the last step, is not in this step.",
    )


def test_without_a_ledger_there_is_nothing_to_note():
    assert notes(Recipe(Dropout(0.1)), measured=False) == ()
