import dataclasses

import pytest

from bridle.choosing.refit import refit_recipe
from bridle.choosing.scoring import candidate
from bridle.core import Recipe, StopRule, Training
from bridle.errors import SearchError
from bridle.regularizers.penalties import L2
from bridle.regularizers.stopping import EarlyStopping

RECIPE = Recipe(L2(1e-4), EarlyStopping(3), training=Training(epochs=12, learning_rate=3e-3, batch_size=16))


def test_it_trains_the_chosen_epochs_on_the_same_schedule_without_patience(outcome):
    chosen = candidate(0, "trial 0", RECIPE, {}, [outcome([0.5, 0.2, 0.3])], False)
    refit = refit_recipe(chosen, RECIPE)
    assert refit.training == dataclasses.replace(RECIPE.training, stop_after=2)
    assert refit.training.epochs == 12
    assert refit.of(StopRule) == ()
    assert refit.active == ("l2",)


def test_a_failed_candidate_cannot_be_refitted(outcome):
    failed = candidate(2, "trial 2", RECIPE, {}, [outcome([], failure="NaN loss at step 3")], False)
    with pytest.raises(SearchError, match=r"trial 2 failed and cannot be refitted: fold 0, seed 0: NaN loss at step 3"):
        refit_recipe(failed, RECIPE)
