"""What a network must be like to be trained: its output fits the targets, and is what the loss expects."""

import torch
from torch import Tensor, nn

from bridle.errors import ModelError
from bridle.models.inputs import Inputs

_SQUASHED = {"SoftmaxBackward0": "softmax", "SigmoidBackward0": "sigmoid"}


def check_output(model: nn.Module, inputs: Inputs, name: str, *, custom_loss: bool = False) -> None:
    """Run two examples of zeros through ``model``, which also materialises lazy layers.

    Args:
        model: The network; its training mode is kept.
        inputs: What the output must fit.
        name: What the user calls the network, for the messages.
        custom_loss: Whether the loss is the user's own, so that outputs need not be logits.

    Raises:
        ModelError: If the forward pass fails, or its output has another shape or type, depends on no trainable weight,
            or ends in a softmax or sigmoid although the loss expects logits.
    """
    training = model.training
    model.eval()
    try:
        output = model(torch.zeros((2, *inputs.shape)))
    except Exception as error:
        raise ModelError(
            f"{name} gave a network that fails on inputs of shape {(2, *inputs.shape)}: {type(error).__name__}: {error}"
        ) from error
    finally:
        model.train(training)
    _check_shape(output, inputs, name)
    if output.grad_fn is None:
        raise ModelError(
            f"{name} gave a network whose output depends on no trainable weight: there is nothing to train."
        )
    if not custom_loss:
        _check_logits(output, inputs, name)


def _check_shape(output: object, inputs: Inputs, name: str) -> None:
    if not isinstance(output, Tensor):
        raise ModelError(
            f"{name} must give a network that returns one tensor; its forward returned {type(output).__name__}."
        )
    if output.shape != (2, inputs.outputs):
        needed = f"has {inputs.outputs} classes" if inputs.outputs > 1 else "asks for one number per example"
        raise ModelError(
            f"{name} gave an output of shape {tuple(output.shape)} for two examples but the data {needed}: "
            f"(2, {inputs.outputs}) is needed; end the network with nn.Linear(..., {inputs.outputs})."
        )
    if not output.is_floating_point():
        raise ModelError(f"{name} gave an output of type {output.dtype}; floating-point numbers are needed.")


def _check_logits(output: Tensor, inputs: Inputs, name: str) -> None:
    """Refuse an output that the loss would squash again (the log of a softmax is left unchanged by it, and allowed)."""
    squash = _SQUASHED.get(type(output.grad_fn).__name__)
    if squash:
        expected = "logits, one unbounded number per class" if inputs.outputs > 1 else "an unbounded number"
        raise ModelError(
            f"{name} gave a network that ends in a {squash}, but the loss expects {expected}; leave the {squash} out, "
            "or give your own loss with loss=..."
        )
