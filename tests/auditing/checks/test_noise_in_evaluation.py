"""A model that answers differently in evaluation mode is found; one that follows eval() passes, and stays as it was."""

import torch
from torch import nn

from bridle.auditing.checks.noise_in_evaluation import NoiseInEvaluation
from bridle.records import Severity


class Hidden(nn.Module):
    """Keeps its dropout where eval() cannot see it."""

    def __init__(self, seen):
        super().__init__()
        self.layer = nn.Linear(6, 3)
        self.parts = nn.ModuleList([nn.Dropout(0.4)]) if seen else [nn.Dropout(0.4)]

    def forward(self, inputs):
        return self.layer(self.parts[0](inputs))


def test_a_dropout_that_eval_does_not_reach(observe):
    (finding,) = NoiseInEvaluation().look(observe(Hidden(seen=False)))
    assert (finding.name, finding.severity) == ("noise_in_evaluation", Severity.ERROR)
    assert finding.numbers["difference"] > 0.01
    assert finding.numbers["rates"] == [0.4]
    assert "Dropout modules (rate 0.4) stay in training mode" in finding.message
    assert "keep submodules in attributes, ModuleList" in finding.message


def test_a_dropout_that_follows(observe):
    assert list(NoiseInEvaluation().look(observe(Hidden(seen=True)))) == []


def test_noise_of_the_users_own(observe):
    class Noisy(nn.Linear):
        def forward(self, inputs):
            return super().forward(inputs + torch.randn_like(inputs))

    (finding,) = NoiseInEvaluation().look(observe(Noisy(6, 3)))
    assert "Something random acts whatever the mode" in finding.message
    assert finding.severity is Severity.WARNING  # a model may sample by design


def test_all_is_left_as_it_was(observe):
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, 3))
    observed = observe(model)
    observed.step(next(iter(observed.loader)))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    gradients = [weight.grad.clone() for weight in model.parameters()]
    moments = [state["exp_avg"].clone() for state in observed.optimizer.state.values()]
    counts = [state["step"].clone() for state in observed.optimizer.state.values()]
    random = torch.get_rng_state()
    list(NoiseInEvaluation().look(observed))
    torch.testing.assert_close(dict(model.state_dict()), before, rtol=0, atol=0)
    torch.testing.assert_close([weight.grad for weight in model.parameters()], gradients, rtol=0, atol=0)
    after = [state["exp_avg"] for state in observed.optimizer.state.values()]
    torch.testing.assert_close(after, moments, rtol=0, atol=0)
    torch.testing.assert_close([state["step"] for state in observed.optimizer.state.values()], counts)
    assert torch.equal(torch.get_rng_state(), random)
    assert all(module.training for module in model.modules())
