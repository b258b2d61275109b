"""What moved each parameter in one training step."""

from dataclasses import dataclass, field

PARTS = ("data", "penalty", "decay", "proximal", "clipping")
"""The parts of a movement: the data's gradient, coupled penalties, decoupled decay, proximal steps and clipping."""


@dataclass(frozen=True)
class Part:
    """What one part adds to a parameter's movement: the step less the same step without that part.

    Args:
        size: The Euclidean norm of what it adds, in the weights' unit.
        share: Its share of the whole movement, along it; the shares of all parts and the interaction add up to 1.
        shrink: The share of the weights' size that it takes in this step; negative where it adds.
        fit: How much of it is proportional to the weights (R squared); NaN where they are all zero.
    """

    size: float
    share: float
    shrink: float
    fit: float = float("nan")


@dataclass(frozen=True)
class Entry:
    """One parameter.

    Args:
        name: Its full name in the model.
        kind: ``"matrices"``, ``"biases"``, ``"norms"`` or ``"embeddings"``.
        shape: Its shape.
        trained: Whether it requires a gradient.
        held: Whether the optimizer holds it.
        used: Whether what the model gives depends on it, by its gradient or else by changing it; ``None`` where
            neither could be seen.
        size: The Euclidean norm of its weights.
        movement: The Euclidean norm of its movement in the step.
        zeros: The share of exact zeros, in [0, 1].
        rate: The optimizer's learning rate for it.
        data_gradient: The norm of the gradient of the data loss, before clipping.
        penalty_gradient: The norm of the gradient of all coupled penalties.
        parts: By name (``PARTS``), those that are at work; ``"interaction"`` is what they do not add up to.
        penalty: What the coupled penalties are together, as their gradient follows the weights: ``"L2"``, ``"L1"``,
            ``"L2 and L1"``, ``"unknown"`` where it is neither, ``""`` where no penalty acts.
        reach: The share of its numbers that the penalties act on; below 1 for a penalty on some rows.
        strength: The canonical strength of L2 in them, after clipping; NaN where there is no penalty or an unknown one.
        fit: How much of the penalties' gradient L2 alone would explain (R squared).
        l1_strength: The same for L1, whose gradient is the weights' signs.
        l1_fit: How much of the gradient L1 alone would explain.
        decay: The strength of the decoupled decay, per unit of learning rate; NaN where there is none.
        decay_fit: How much of the decay's movement is proportional to the weights.
        sources: The strength of each L2 by where it comes from: ``"loss"`` (before clipping), ``"by hand"``,
            ``"bridle"``, ``"optimizer"``. NaN for a penalty that is neither L2 nor L1.
        l1_sources: The strength of each L1 by where it comes from.
        declared: The optimizer's own ``weight_decay`` for it, as its group says.
        clip: What was left of the gradient by clipping, as a factor; 1 where nothing was clipped.
        idle_rows: How many of its rows the penalty or the decay moves while the data gives them no gradient.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    trained: bool
    held: bool
    used: bool | None
    size: float
    movement: float
    zeros: float
    rate: float
    data_gradient: float
    penalty_gradient: float
    parts: dict[str, Part] = field(default_factory=dict)
    strength: float = float("nan")
    fit: float = float("nan")
    l1_strength: float = float("nan")
    l1_fit: float = float("nan")
    decay: float = float("nan")
    decay_fit: float = float("nan")
    sources: dict[str, float] = field(default_factory=dict)
    declared: float = 0.0
    clip: float = 1.0
    idle_rows: int = 0
    penalty: str = ""
    reach: float = 1.0
    l1_sources: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Ledger:
    """What moved each parameter in one training step, measured by running it with parts switched off.

    Args:
        entries: One per parameter, in the model's order.
        optimizer: The optimizer's class.
        form: How the optimizer's own ``weight_decay`` acts, as measured: ``"none"``, ``"coupled"`` (as a gradient),
            ``"decoupled"`` (on the weights) or ``"unknown"``.
        noise: By how much two runs of the same step differ, as a share of the movement; 0 where they are the same.
        passes: How many backward passes the step takes for one gradient.
        penalty_passes: In how many of them a penalty's gradient is added.
        root: The constant factor in front of the whole loss, penalty included, as a mean over the passes.
        data_weight: The sum over passes of the factor in front of the mean data loss, times ``replicas``; NaN where
            the loss is not one of torch's. Strengths are divided by it, or by ``replicas`` where it is not known.
        processes: How many processes take the step together, each on rows of its own.
        replicas: What becomes of a gradient that is the same in each process, as a factor, between the backward pass
            and the optimizer: 1 for a mean over processes, their number for a sum; in one process what the step's own
            code multiplies all gradients by.
        scale: The gradient scaler's factor; 1 where there is none.
        scaled: How far the penalty's strength depends on the scaler: 1 where it was never scaled (so that unscaling
            divides it away), 0 where it was scaled with the loss.
        clipped_scaled: Whether gradients were clipped before they were unscaled.
        without_gradient: The part of the loss that changed with the weights, at the same outputs, without a gradient
            that says so, as a share of the change; NaN where nothing changed.
        without_gradient_weights: The names of the weights that this part depends on.
        evaluations: How often the step computes the gradient: once, or at each call of a closure.
        steps: How many training steps the measurement took.
        notes: What could not be measured, in sentences.
    """

    entries: tuple[Entry, ...]
    optimizer: str
    form: str = "none"
    noise: float = 0.0
    passes: int = 1
    penalty_passes: int = 0
    root: float = 1.0
    data_weight: float = float("nan")
    processes: int = 1
    replicas: float = 1.0
    scale: float = 1.0
    scaled: float = 0.0
    clipped_scaled: bool = False
    without_gradient: float = float("nan")
    without_gradient_weights: tuple[str, ...] = ()
    evaluations: int = 1
    steps: int = 0
    notes: tuple[str, ...] = ()
