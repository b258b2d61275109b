"""A step of a training of Bridle's own, on a copy."""

import pytest
import torch

from bridle.auditing.own_step import WARM, own_step
from bridle.core import schedule
from bridle.regularizers.penalties import L2


def test_it_is_the_step_after_the_warm_ones_in_the_middle_of_the_training(own):
    case = own(L2(schedule(0.0, 1.0)), epochs=8, schedule="linear", batch_size=8)  # 12 steps per epoch
    taken = own_step(case.member, case.setting, case.weights, case.epochs)
    assert taken.number == 4 * 12 + WARM + 1
    assert taken.steps == 96
    assert taken.progress == (taken.number - 1) / 96
    assert taken.rate == pytest.approx(0.01 * (1 - (taken.number - 1) / 96))
    assert taken.training.step.optimizer.param_groups[0]["lr"] == taken.rate


def test_it_starts_from_the_trained_weights_with_a_warm_optimizer_and_repeats(own):
    case = own(L2(0.1))
    taken = own_step(case.member, case.setting, case.weights, case.epochs)
    model, optimizer = taken.training.model, taken.training.step.optimizer
    for name, value in model.state_dict().items():
        assert torch.equal(value, case.weights[name])
    assert {float(state["step"]) for state in optimizer.state.values()} == {float(WARM)}
    assert all(weight.grad is None for weight in model.parameters())
    state = {weight: {name: value.clone() for name, value in held.items()} for weight, held in optimizer.state.items()}
    ends = []
    for _ in range(2):
        taken.run()
        ends.append([weight.detach().clone() for weight in model.parameters()])
        model.load_state_dict(case.weights)
        for weight, held in state.items():
            for name, value in held.items():
                optimizer.state[weight][name].copy_(value)
    assert all(torch.equal(one, other) for one, other in zip(*ends, strict=True))


def test_a_training_of_few_steps_begins_anew(own):
    case = own(epochs=1, batch_size=64)  # two steps in all
    taken = own_step(case.member, case.setting, case.weights, 1)
    assert taken.number in (1, 2)
    assert taken.steps == 2


def test_the_sizes_are_those_before_the_training(own):
    case = own(L2(1.0), epochs=6, learning_rate=0.1, optimizer="sgd")
    taken = own_step(case.member, case.setting, case.weights, case.epochs)
    assert taken.sizes["first.weight"] > 1.5 * float(case.weights["first.weight"].norm())


def test_inputs_that_a_network_changes_are_the_same_each_time(own, tanh):
    class Doubling(tanh):
        def forward(self, x):
            return super().forward(x.mul_(2.0))

    case = own(model=Doubling)
    taken = own_step(case.member, case.setting, case.weights, case.epochs)
    losses = []
    for _ in range(2):
        losses.append(float(taken.run()))
        taken.training.model.load_state_dict(case.weights)
    assert losses[0] == losses[1]
