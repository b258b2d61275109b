"""Search, then refit on all rows, with nothing sealed: for callers that keep test rows of their own."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

from safetensors.torch import load, save
from torch import Tensor

from bridle.core import Recipe, toml
from bridle.data.dataset import Dataset
from bridle.engine.trained import Trained, trained
from bridle.job import model_file
from bridle.job.choose import choose
from bridle.job.context import Context
from bridle.job.progress import Progress
from bridle.job.summary import evidence_of
from bridle.job.temporary import temporary_job
from bridle.job.tested import refit
from bridle.population import Member
from bridle.records import Evidence, Layout


@final
@dataclass(frozen=True, eq=False)
class Network:
    """A trained network as bytes, rebuilt when it is first used: it can be copied and pickled.

    Args:
        tensors: Weights and preprocessing in the safetensors format.
        layout: The layout of the rows.
        seed: The seed that built it.
        model: What built it; ``None`` for the default. Pickling asks that it can be pickled.
        custom_loss: Whether it was trained with a loss of the user's.
    """

    tensors: bytes
    layout: Layout
    seed: int
    model: Any
    custom_loss: bool

    @cached_property
    def trained(self) -> Trained:
        """The network, on the processor, in evaluation mode."""
        return model_file.rebuilt(
            load(self.tensors), self.layout, self.model, self.seed, custom_loss=self.custom_loss, where="The estimator"
        )

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "trained"}


@final
@dataclass(frozen=True, eq=False)
class Refitted:
    """What a search and the refit on all rows gave.

    Args:
        recipe: The chosen (or given) recipe, nothing free in it.
        evidence: Every score and curve of the search; nothing was tested.
        networks: One per seed that did not fail.
    """

    recipe: Recipe
    evidence: Evidence
    networks: tuple[Network, ...]


def search_and_refit(
    dataset: Dataset, recipe: Any = None, *, progress: Progress | None = None, **options: Any
) -> Refitted:
    """Choose a recipe by cross-validation on all rows where anything is free in it, and train it on all of them.

    Args:
        dataset: The rows.
        recipe: As for :func:`bridle.fit`.
        progress: Is told what happens.
        **options: Every other option of :func:`bridle.fit` but ``out`` and ``test``.

    Raises:
        BridleError: For whatever the user can mend.
    """
    model, custom_loss = options.get("model"), options.get("loss") is not None
    with temporary_job(dataset, recipe, progress, {"seeds": 1, "share": 0.0, **options}) as job:
        chosen = choose(job) if job.space.is_space else None
        final = chosen.recipes["chosen"] if chosen else job.space
        refits = refit(job, {"chosen": final})["chosen"]
        networks = tuple(
            Network(save(_tensors(member, job)), job.dataset.layout, member.seed, model, custom_loss)
            for member, outcome in refits
            if outcome.failure is None
        )
    return Refitted(final, evidence_of(job, chosen, toml.dumps(final)), networks)


def _tensors(member: Member, job: Context) -> dict[str, Tensor]:
    tensors = model_file.tensors_of(trained(member, job.setting))
    return {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
