import itertools

from bridle.choosing.strategies import Random
from bridle.choosing.strategies._draws import combinations, unseen
from bridle.core import Recipe, choice
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L2


def test_combinations_are_the_product_without_dials_of_what_is_left_out():
    allowed = {"l1.active": [True, False], "l1.strength": [1, 2, 3], "dropout.rate": [0.1, 0.2]}
    product = [dict(zip(allowed, values, strict=True)) for values in itertools.product(*allowed.values())]
    on = [values for values in product if values["l1.active"]]
    off = [{"l1.active": False, "dropout.rate": rate} for rate in (0.1, 0.2)]
    assert list(combinations(allowed)) == on + off


def test_a_finite_space_is_drawn_in_full_and_runs_out(play):
    finite = Recipe(Dropout(rate=choice(0, 0.1, 0.2, 0.3, 0.4)), L2(choice(1e-5, 1e-4, 1e-3), optional=True))
    asked = play(Random(), finite, 10, 4)
    assert len(asked) == 5 * (3 + 1)
    assert not list(unseen(finite, asked))


def test_first_values_are_asked_first_and_completed(play, space):
    asked = play(Random(), space, 1, 2, first=[{"l1.active": False, "l2.strength": 1e-5}])
    assert asked[0].keys() == {"training.learning_rate", "l2.strength", "l1.active"}
    assert asked[0]["l2.strength"] == 1e-5
    assert asked[1] == play(Random(), space, 1, 2)[1]
