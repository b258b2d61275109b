"""What the members of a pack have in common: one network, called with the weights of many.

Legend of the axes: ``M`` members, ``B`` batch.
"""

from collections.abc import Hashable, Mapping
from typing import final

import torch
from torch import Tensor, nn

from bridle.core import Anchored, LossTerm, Noise, Recipe, UpdateRule
from bridle.engine.course import Course
from bridle.engine.losses import wide
from bridle.engine.member import loss_of, softens, starting_network
from bridle.engine.network import FLOOR, takes_codes
from bridle.engine.noise import PlacedNoise
from bridle.engine.packs.batches import PackBatch
from bridle.engine.packs.compiled import Compiled
from bridle.engine.packs.draws import PlacedDraws
from bridle.engine.packs.gradients import Gradients
from bridle.engine.packs.slot import Bound
from bridle.engine.packs.tasks import statics
from bridle.engine.setting import Setting
from bridle.population import Member, losses
from bridle.population.stack import Stack, Tensors, stored_transposed
from bridle.population.stacked import StackedModule
from bridle.records import Task


def alone(recipe: Recipe) -> str:
    """Why a member of this recipe trains by itself, in words; empty where it can share a pack."""
    if recipe.of(LossTerm):
        return f"{recipe.of(LossTerm)[0].key} looks into the forward pass"
    for rule in recipe.of(UpdateRule):
        if rule.recomputes:
            return f"{rule.key} takes the gradient anew"
    if recipe.of(Anchored):
        return f"{recipe.of(Anchored)[0].key} remembers where its weights started"
    return "" if recipe.training.precision == "float32" else f"its precision is {recipe.training.precision}"


def signature(member: Member, setting: Setting) -> Hashable:
    """What members must have in common to share a pack: network, shapes, optimizer, noise, form of the targets."""
    recipe = member.recipe
    model = FLOOR if member.floor else setting.model
    preprocessing = setting.prepared(member.fold, one_hot=not takes_codes(model)).preprocessing
    return (
        member.floor,
        preprocessing.width,
        tuple(preprocessing.cardinalities),
        "sgd" if recipe.training.optimizer == "sgd" else "adam",
        tuple(statics(noise) for noise in recipe.of(Noise)),
        setting.loss is not None and softens(recipe),
    )


@final
class Kind:
    """A network for all members of one signature.

    Args:
        member: One of them.
        setting: What all members share.
        size: The largest pack, where gradients may be compiled for it; 0 where they may not.
    """

    def __init__(self, member: Member, setting: Setting, size: int = 0) -> None:
        course = Course(member, setting)
        self.setting = setting
        self.model = starting_network(course)
        self.noise = PlacedNoise(self.model, member.recipe)
        self.transposed = stored_transposed(self.model)
        self.optimizer = "sgd" if member.recipe.training.optimizer == "sgd" else "adam"
        self.trained = [name for name, weight in self.model.named_parameters() if weight.requires_grad]
        self._loss = loss_of(member.recipe, setting)
        self._starts: dict[tuple[int, str], dict[str, Tensors]] = {}
        self._bound: dict[str, Bound] = {}
        separable = all(noise.separable for noise in member.recipe.of(Noise))
        self._stacked = StackedModule(self.model, separable=separable)
        self._gradients = Gradients(self._stacked, self.noise, self.losses, self.transposed)
        self.compiled: Compiled | None = None
        if setting.compiled and size:
            self.compiled = Compiled(self._gradients, signature(member, setting), setting.graphs, size)
        self._draws = PlacedDraws(self.model, self.noise)
        self._names = self._named()

    def _named(self) -> dict[str, tuple[str, str]]:
        """Where each entry of the ``state_dict`` is found: the part, and the name there."""
        own = {
            id(value): ("weights" if name in self.trained else "frozen", name)
            for name, value in self.model.named_parameters()
        }
        own |= {id(value): ("buffers", name) for name, value in self.model.named_buffers()}
        return {name: own[id(value)] for name, value in self.model.state_dict(keep_vars=True).items()}

    def bound(self, recipe: Recipe) -> Bound:
        """A recipe bound to this network."""
        text = repr(recipe)
        if text not in self._bound:
            self._bound[text] = Bound(self.model, recipe)
        return self._bound[text]

    def start(self, course: Course) -> dict[str, Tensors]:
        """Weights, frozen weights and buffers before the first step, in the layout of the model."""
        which = (course.member.seed, course.member.warm)
        if which not in self._starts:
            network = starting_network(course)
            named = {name: value.detach() for name, value in network.named_parameters()}
            self._starts[which] = {
                "weights": {name: named[name] for name in self.trained},
                "frozen": {name: value for name, value in named.items() if name not in self.trained},
                "buffers": dict(network.named_buffers()),
            }
        return self._starts[which]

    @property
    def has_batch_norm(self) -> bool:
        """Whether the network keeps statistics of batches."""
        return any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in self.model.modules())

    def state_dict(self, parts: Mapping[str, Tensors]) -> dict[str, Tensor]:
        """A member's weights and buffers under the names of its network's ``state_dict``, tied ones twice."""
        return {name: parts[part][own] for name, (part, own) in self._names.items()}

    def network(self, parts: Mapping[str, Tensors]) -> nn.Module:
        """The network with a member's weights and buffers: the same object each time."""
        self.model.load_state_dict(self.state_dict(parts))
        network: nn.Module = self.model
        return network

    def gradients(
        self, stack: Stack, batch: PackBatch, dials: Mapping[str, Mapping[str, Tensor]]
    ) -> tuple[Tensor, Tensors]:
        """Each member's data loss ``(M,)``, and the gradients of the weights as they are stored.

        Args:
            stack: What the members carry; buffers are changed in place.
            batch: The batch.
            dials: The dials of each noise, by its key.
        """
        parts = stack.parts
        given = {
            "weights": parts["weights"],
            "frozen": parts["frozen"],
            "buffers": parts["buffers"],
            "uniforms": self._draws(batch, dials),
            "dials": {f"{noise}/{name}": value for noise, own in dials.items() for name, value in own.items()},
            "batch": {
                "inputs": batch.inputs,
                "targets": batch.targets,
                "weights": batch.weights,
                "examples": batch.examples,
            },
        }
        return self.compiled(given) if self.compiled is not None and batch.full else self._gradients(given)

    @torch.no_grad()
    def outputs(self, tensors: Tensors, inputs: Tensor) -> Tensor:
        """The outputs ``(M, B, outputs)`` in evaluation mode."""
        return wide(self._stacked(tensors, inputs, {}, lambda _: None, training=False))

    def losses(self, output: Tensor, targets: Tensor) -> Tensor:
        """The data loss of each example, ``(M, B)``."""
        if self.setting.loss is not None:
            found: Tensor = torch.vmap(self._loss)(output, targets)
            return found
        classes = self.setting.dataset.layout.task is Task.CLASSIFICATION
        return losses.cross_entropy(output, targets) if classes else losses.squared_error(output, targets)
