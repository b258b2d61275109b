"""A place is the identity until a training puts noise there."""

import torch

from bridle.core import Place


def test_a_place_is_the_identity():
    x = torch.arange(4.0)
    assert Place()(x) is x


def test_noise_acts_in_training_mode_only_and_is_told_where():
    place = Place(0.5)
    place.name = "layers.1"
    seen = []

    def perturb(x, name):
        seen.append(name)
        return x + 1

    place.perturb = perturb
    x = torch.zeros(3)
    torch.testing.assert_close(place(x), torch.ones(3))
    assert seen == ["layers.1"]
    place.eval()
    assert place(x) is x
    assert seen == ["layers.1"]


def test_a_place_holds_nothing_that_is_saved():
    assert not Place(0.5).state_dict()


def test_the_declared_rate_is_shown():
    assert repr(Place(0.5)) == "Place(rate=0.5)"
    assert repr(Place()) == "Place()"


def test_the_rate_is_read_as_that_of_a_dropout_module():
    assert Place(0.25).p == torch.nn.Dropout(0.25).p
