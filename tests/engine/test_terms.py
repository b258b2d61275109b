"""Loss terms on a network: what the hooks capture, in the engine's step and in a loop of one's own."""

import copy
import gc
import weakref

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from bridle.core import Draws, Place, Recipe, schedule
from bridle.core.draws import seeded
from bridle.engine.noise import PlacedNoise
from bridle.engine.terms import Terms
from bridle.errors import ModelError, RecipeError, ScopeError
from bridle.regularizers.noise import Dropout
from bridle.regularizers.terms import ActivationL1, ActivationL2, ConfidencePenalty, InputGradient, KLSparsity
from bridle.testing import material

DRAWS = Draws(0, 0, 0)
X = material.normal("terms inputs", 8, 4, device=torch.device("cpu"), dtype=torch.float32)


@pytest.fixture
def net():
    with seeded("terms"):
        return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), Place(), nn.Linear(6, 3)).train()


def hidden(net, x=X):
    return net[1](net[0](x))


def test_the_value_is_the_weighted_mean_over_examples(net):
    terms = Terms(net, Recipe(ActivationL1(0.1), ActivationL2(0.2, scope={"names": "0"})))
    weights = torch.linspace(0, 2, 8)
    net(X)
    found = terms.value(DRAWS, 0.0, weights)
    each = 0.1 * hidden(net).abs().sum(1) + 0.1 * net[0](X).square().sum(1)
    torch.testing.assert_close(found, (each * weights).mean())
    net(X)
    torch.testing.assert_close(terms.value(DRAWS, 0.0), each.mean())


def test_a_loop_of_ones_own(net):
    """``loss + terms`` has the gradient of the same sum written by hand."""
    by_hand = copy.deepcopy(net)
    targets = torch.arange(8) % 3
    terms = Terms(net, Recipe(ActivationL2(0.2), ConfidencePenalty(0.5)))
    loss = cross_entropy(net(X), targets) + terms.value(DRAWS, 0.0)
    loss.backward()
    output = by_hand(X)
    entropy = torch.distributions.Categorical(logits=output).entropy()
    short = torch.log(torch.tensor(3.0)) - entropy
    plain = cross_entropy(output, targets) + (0.1 * hidden(by_hand).square().sum(1) + 0.5 * short).mean()
    plain.backward()
    for ours, theirs in zip(net.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


def test_inputs_get_a_gradient_only_where_it_is_needed_and_the_users_own_stay(net):
    seen = []
    net[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    plain = Terms(net, Recipe(ActivationL1(0.1)))
    net(X)
    plain.remove()
    terms = Terms(net, Recipe(InputGradient(0.1)))
    net(X)
    assert terms.value(DRAWS, 0.0) > 0
    own = X.clone().requires_grad_()
    net(own)
    assert terms.value(DRAWS, 0.0) > 0
    assert [item.requires_grad for item in seen] == [False, True, True]
    assert seen[0] is X
    assert seen[2] is own
    assert not X.requires_grad


def test_inputs_are_found_behind_others_and_by_name():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(4, 3)

        def forward(self, codes, *, mask=None, x):
            return {"count": codes, "logits": self.head(x) + codes[:, None]}

    net = Scaled()
    terms = Terms(net, Recipe(InputGradient(0.1)))
    found = net(torch.arange(8), x=X)["logits"]
    assert found.shape == (8, 3)
    assert terms.value(DRAWS, 0.0) > 0


def test_a_network_without_numbers_is_refused_where_they_are_needed():
    net = nn.Embedding(5, 3)
    terms = Terms(net, Recipe(InputGradient(0.1)))
    net(torch.arange(4))
    with pytest.raises(RecipeError, match=r"input_gradient needs numbers as inputs.*the network has none"):
        terms.value(DRAWS, 0.0)
    other = Terms(net, Recipe(ConfidencePenalty(0.1)))
    net(torch.arange(4))
    assert other.value(DRAWS, 0.0) > 0


@pytest.mark.parametrize("scope", ["all", {"names": "1"}])
def test_activations_are_those_before_noise(net, scope):
    """At a place, and at a module whose output noise changes by a hook of its own."""
    noise = PlacedNoise(net, Recipe(Dropout(0.5, scope=scope)))
    terms = Terms(net, Recipe(ActivationL1(0.1, scope=scope)))
    noise.set(DRAWS, 0.0)
    activations = (X @ net[0].weight.T + net[0].bias).tanh()
    assert not torch.equal(net(X), net[3](activations))
    torch.testing.assert_close(terms.value(DRAWS, 0.0), 0.1 * activations.abs().sum(1).mean())


def test_a_scheduled_strength_moves(net):
    terms = Terms(net, Recipe(ActivationL1(schedule(0.0, 0.8))))
    for progress in (0.0, 0.5, 1.0):
        net(X)
        torch.testing.assert_close(terms.value(DRAWS, progress), 0.8 * progress * hidden(net).abs().sum(1).mean())


def test_a_module_that_is_called_twice_counts_twice():
    layer = nn.Linear(4, 4)
    net = nn.Sequential(layer, layer)
    terms = Terms(net, Recipe(ActivationL1(0.1, scope={"names": "0"})))
    net(X)
    expected = 0.1 * (layer(X).abs() + layer(layer(X)).abs()).sum(1).mean()
    torch.testing.assert_close(terms.value(DRAWS, 0.0), expected)


def test_half_precision_is_summed_in_float32():
    net = nn.Sequential(nn.Linear(4, 3)).bfloat16()
    terms = Terms(net, Recipe(ActivationL2(0.1, scope={"names": "0"})))
    net(X.bfloat16())
    value = terms.value(DRAWS, 0.0)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, 0.05 * net(X.bfloat16()).float().square().sum(1).mean())


def test_a_second_forward_replaces_the_first_and_the_value_forgets_both(net):
    terms = Terms(net, Recipe(ActivationL1(0.1)))
    net(2 * X)
    net(X)
    torch.testing.assert_close(terms.value(DRAWS, 0.0), 0.1 * hidden(net).abs().sum(1).mean())
    with pytest.raises(ModelError, match=r"\(activation_l1\) have seen no forward pass in training mode that gave a"):
        terms.value(DRAWS, 0.0)


def test_nothing_is_kept_alive_after_the_value(net):
    terms = Terms(net, Recipe(ActivationL1(0.1), InputGradient(0.1)))
    output = net(X)
    kept = [weakref.ref(output), weakref.ref(terms._captured.inputs)]
    value = terms.value(DRAWS, 0.0)
    del output, value
    gc.collect()
    assert [item() for item in kept] == [None, None]


def test_evaluation_and_passes_without_gradients_are_not_seen(net):
    terms = Terms(net, Recipe(ActivationL1(0.1)))
    net.eval()
    net(X)
    with pytest.raises(ModelError, match="have seen no forward pass in training mode"):
        terms.value(DRAWS, 0.0)
    net.train()
    with torch.no_grad():
        net(X)
    with pytest.raises(ModelError, match="have seen no forward pass in training mode"):
        terms.value(DRAWS, 0.0)


def test_parts_that_are_called_on_their_own_are_not_seen(net):
    terms = Terms(net, Recipe(ActivationL1(0.1, scope={"names": "0"})))
    net(X)
    net[0](100 * X)
    torch.testing.assert_close(terms.value(DRAWS, 0.0), 0.1 * net[0](X).abs().sum(1).mean())


def test_removed_hooks_see_nothing(net):
    terms = Terms(net, Recipe(ActivationL1(0.1), ActivationL2(0.1, scope={"names": "0"}), InputGradient(0.1)))
    net(X)
    terms.remove()
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in net.modules())
    with pytest.raises(ModelError, match="have seen no forward pass"):
        terms.value(DRAWS, 0.0)


def test_a_recipe_without_terms_costs_nothing(net):
    terms = Terms(net, Recipe())
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in net.modules())
    assert float(terms.value(DRAWS, 0.0)) == 0


def test_what_follows_may_not_change_activations_in_place():
    net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(inplace=True), nn.Linear(3, 2))
    terms = Terms(net, Recipe(ActivationL1(0.1, scope={"names": "0"})))
    net(X)
    message = r"activation_l1 looks at the activations of '0', which what follows changed in place\. Let its scope name"
    with pytest.raises(ModelError, match=message):
        terms.value(DRAWS, 0.0)
    terms = Terms(net, Recipe(ActivationL1(0.1, scope={"names": "1"})))
    net(X)
    torch.testing.assert_close(terms.value(DRAWS, 0.0), 0.1 * net[1](net[0](X)).sum(1).mean())


def test_modules_that_take_no_part_are_an_error():
    class Skips(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Linear(4, 3), nn.Linear(4, 3)

        def forward(self, x):
            return self.used(x)

    net = Skips()
    terms = Terms(net, Recipe(ActivationL1(0.1, scope={"names": "unused"})))
    net(X)
    with pytest.raises(ModelError, match=r"activation_l1 looks at unused, of which no module took part in the forward"):
        terms.value(DRAWS, 0.0)


def test_activations_without_examples_first_are_an_error(net):
    turned = nn.Sequential(nn.Linear(4, 3), nn.Flatten(0), nn.Unflatten(0, (8, 3)))
    terms = Terms(turned, Recipe(ActivationL1(0.1, scope={"names": "1"})))
    turned(X)
    with pytest.raises(ModelError, match=r"first dimension is that of the output, \(8,\); got shape \(24,\)"):
        terms.value(DRAWS, 0.0)


def test_modules_that_give_no_tensor_are_an_error():
    net = nn.Sequential(nn.LSTM(4, 3))
    Terms(net, Recipe(ActivationL1(0.1, scope={"names": "0"})))
    with pytest.raises(ScopeError, match=r"A loss term looks at a tensor; module '0' gives tuple\. Let its scope name"):
        net(X)


def test_terms_say_at_the_first_batch_that_they_cannot_act(net):
    terms = Terms(net, Recipe(KLSparsity(0.1)))
    net(X)
    with pytest.raises(RecipeError, match=r"kl_sparsity takes activations in \(0, 1\); these lie in \[-"):
        terms.value(DRAWS, 0.0)
    one = nn.Linear(4, 1)
    terms = Terms(one, Recipe(ConfidencePenalty(0.1)))
    one(X)
    with pytest.raises(
        RecipeError, match=r"confidence_penalty takes logits .*; the network's output has shape \(8, 1\)"
    ):
        terms.value(DRAWS, 0.0)


@pytest.mark.parametrize(
    ("scope", "message"),
    [
        ("first_layer", r'scope must be "all" \(the places\) or name modules, for example .*; got \'first_layer\''),
        ({"names": "tail.*"}, r"activation_l1 with scope \{'names': 'tail\.\*'\} finds no activation in the network"),
        ({"modules": "Sigmoid"}, r"finds no activation in the network\. Name modules whose output it should"),
    ],
)
def test_scopes_that_name_no_activation_are_refused(net, scope, message):
    with pytest.raises(ScopeError, match=message):
        Terms(net, Recipe(ActivationL1(0.1, scope=scope)))


def test_a_network_without_places_needs_a_scope():
    with pytest.raises(ScopeError, match=r"activation_l2 with scope 'all' finds no activation .*or put bridle\.Place"):
        Terms(nn.Sequential(nn.Linear(4, 2)), Recipe(ActivationL2(0.1)))
