"""Which network a data set gets when the user names none."""

from collections.abc import Callable

from torch import nn

from bridle.models.cnn import cnn
from bridle.models.inputs import Inputs
from bridle.models.mlp import mlp
from bridle.records import Kind


def default_model(inputs: Inputs) -> Callable[..., nn.Module]:
    """The factory for this kind of input: :func:`mlp` for a table, :func:`cnn` for images."""
    return mlp if inputs.kind is Kind.TABLE else cnn
