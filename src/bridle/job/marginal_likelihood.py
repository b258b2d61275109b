"""``bridle.marginal_likelihood``: L2 by layer without validation data."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from bridle.core import Recipe
from bridle.errors import RecipeError
from bridle.job.laplace import Strengths, plain
from bridle.job.progress import Progress, Silent
from bridle.job.start import open_job, start
from bridle.records import Laplace
from bridle.regularizers.catalogue import parse_recipe
from bridle.regularizers.penalties import L2
from bridle.report.wording import number


@final
@dataclass(frozen=True)
class MarginalLikelihood:
    """What the marginal likelihood says of L2.

    Args:
        recipe: The recipe with a strength for each layer, to train with :func:`bridle.fit`.
        evidence: Strengths, precisions, the log evidence at each update, the noise.
    """

    recipe: Recipe
    evidence: Laplace

    def __str__(self) -> str:
        """The log evidence and a line for each layer."""
        lines = [f"log evidence {self.evidence.log_evidence:.6g}"]
        lines += [
            f"{layer.name}: strength {number(layer.strength)}, the data determine {number(layer.effective)} of "
            f"{layer.weights} weights"
            for layer in self.evidence.layers
        ]
        lines += [f"{name}: none, its scale is divided out" for name in self.evidence.left_out]
        return "\n".join(lines)


def marginal_likelihood(
    data: Any, recipe: Any = None, *, progress: Progress | None = None, **options: Any
) -> MarginalLikelihood:
    """Choose the strength of L2 for each layer without validation data: the one that makes the targets most likely.

    The weights have Gaussian priors of one precision per layer, the Laplace approximation integrates them out, and the
    strengths that maximise this evidence are set while the network trains on all rows that are not sealed. The
    curvature is the Kronecker-factored Gauss-Newton matrix. Of a convolution before batch normalisation the scale has
    no effect: it gets no strength. Biases, norms and embeddings have none either, and are taken as they are trained.

    Args:
        data: As for :func:`bridle.fit`; the same rows are sealed.
        recipe: The training settings, and where it holds an L2 its scope; its strength does not matter. A free learning
            rate is taken in the middle. By default the settings of the default space.
        progress: Is told what happens.
        **options: ``model``, ``test``, ``seed``, ``device`` and how to read the data, as for :func:`bridle.fit`.

    Raises:
        RecipeError: If the recipe holds anything else that regularizes.
        ModelError: If the loss is the user's own, or the curvature of a layer in scope is not known.
        BridleError: For whatever else the user can mend.

    References:
        MacKay 1992, "A practical Bayesian framework for backpropagation networks"; Immer et al. 2021, "Scalable
        marginal likelihood estimation for model selection in deep learning".
    """
    folder = Path(tempfile.mkdtemp(prefix="bridle-"))
    progress = progress or Silent()
    try:
        workspace, ask = start(data, recipe, out=folder / "run", progress=progress, **options)
        job = open_job(workspace, ask, options.get("model"), options.get("loss"), progress)
        own = _checked(job.space).of(L2) if recipe is not None else ()
        found = Strengths(job, plain(job.space, *own)).find()
        return MarginalLikelihood(parse_recipe(found.recipe, "recipe"), found)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _checked(recipe: Recipe) -> Recipe:
    others = [item.key for item in recipe.regularizers if not isinstance(item, L2)]
    if others or len(recipe.regularizers) > 1:
        named = ", ".join(others or recipe.active)
        raise RecipeError(
            f"marginal_likelihood(...) takes a recipe with training settings and at most one L2; got {named}. The "
            "evidence is that of a deterministic network with a Gaussian prior: leave the others out, or search with "
            "bridle.fit(..., laplace=True), which shows both."
        )
    if recipe.training.weight_decay != 0:
        raise RecipeError(
            f"training.weight_decay must be 0 in marginal_likelihood(...); got {recipe.training.weight_decay!r}. "
            "AdamW's decay is no Gaussian prior. Leave it out: L2 takes its place."
        )
    return recipe
