"""The network of one member, built for its data."""

from typing import Any

import torch
from torch import nn

from bridle.data.preprocess import Preprocessing
from bridle.models.default import default_model
from bridle.models.factory import Factory, build, load_factory, needs_codes
from bridle.models.inputs import Inputs
from bridle.models.linear import linear
from bridle.models.places import replace_dropout
from bridle.records import Kind, Layout

FLOOR = "floor"
"""Stands for logistic or linear regression."""


def inputs_of(layout: Layout, preprocessing: Preprocessing) -> Inputs:
    """What the network is told: the shape and meaning of one prepared example."""
    if layout.kind is Kind.IMAGE:
        return Inputs(layout.kind, layout.shape, layout.outputs)
    plain = preprocessing.width - preprocessing.continuous - len(preprocessing.cardinalities)
    return Inputs(
        layout.kind,
        (preprocessing.width,),
        layout.outputs,
        continuous=preprocessing.continuous,
        indicators=plain,
        cardinalities=preprocessing.cardinalities,
    )


def resolve_factory(model: Any, inputs: Inputs) -> Factory:
    """What ``model`` means: ``None`` the default for the data, ``"floor"``, ``"pkg.mod:name"`` or the user's own."""
    if model is None:
        return default_model(inputs)
    if model == FLOOR:
        return linear
    found: Factory = load_factory(model) if isinstance(model, str) else model
    return found


def takes_codes(model: Any) -> bool:
    """Whether the network takes category codes; for others categories become one-hot columns."""
    if model is None or model == FLOOR:
        return True
    return needs_codes(load_factory(model) if isinstance(model, str) else model)


def build_network(
    model: Any, layout: Layout, preprocessing: Preprocessing, seed: int, *, custom_loss: bool, device: torch.device
) -> nn.Module:
    """A fresh network on its device, dropout modules replaced by places, channels last where it convolves."""
    inputs = inputs_of(layout, preprocessing)
    network = build(resolve_factory(model, inputs), inputs, seed, custom_loss=custom_loss)
    network = replace_dropout(network).to(device)
    if any(isinstance(module, nn.Conv2d) for module in network.modules()):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network
