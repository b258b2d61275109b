"""The callback that lets a recipe act in a skorch net."""

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any, Self, final

from skorch.callbacks import Callback
from skorch.dataset import get_len, unpack_data
from skorch.utils import to_tensor
from torch import Tensor, nn

from bridle.core import LossTerm, Penalty, Recipe
from bridle.core.addresses import settings, with_settings
from bridle.engine.companion import Companion
from bridle.errors import RecipeError
from bridle.integrations.skorch._addresses import address
from bridle.integrations.skorch._refusals import refuse


@final
class Regularize(Callback):
    """A skorch callback: all kinds of a recipe act in the net's training, as declared.

    Penalties and update rules act around ``optimizer.step``, after any clipping; inputs and targets are augmented
    between the loader and the module, in training only; validation and ``on_epoch_end`` of the callbacks before this
    one see averaged weights, and so does the net when training ends, or those of the best epoch where a rule stopped
    it. ``valid_loss`` is the data loss alone. The history gets ``penalty`` and, where the recipe has loss terms,
    ``terms`` and ``data_loss`` beside skorch's ``train_loss``, which is their sum.

    Its parameters are addressed as ``callbacks__regularize__l2.strength`` where it is listed as ``("regularize",
    Regularize(recipe))``. During training it is ``net.regularize_``, so that ``Checkpoint(f_regularize="...")``, listed
    after it, keeps its state, and ``LoadInitState`` goes on from there.

    Args:
        recipe: The recipe, nothing free in it. Its training settings are the net's here, and not used.
        seed: Of all draws.
        classes: How many classes there are, where targets are softened; by default the classifier's.
        continuous: For tables, how many leading columns are standardised numbers; by default all.
        steps: How many optimizer steps the training takes, for dials that follow a schedule; by default those of
            ``max_epochs``.
        monitor: What stop rules watch, of the net's history: a loss, lower is better.
    """

    def __init__(
        self,
        recipe: Recipe,
        seed: int = 0,
        classes: int | None = None,
        continuous: int | None = None,
        steps: int | None = None,
        monitor: str = "valid_loss",
    ) -> None:
        self.recipe, self.seed, self.classes = recipe, seed, classes
        self.continuous, self.steps, self.monitor = continuous, steps, monitor
        self._forget()

    def _forget(self) -> None:
        self.companion_: Companion | None = None
        self.loader_: Any = None
        self.state_: dict[str, Any] = {}
        self.hooks_: list[Any] = []
        self.averaged_: ExitStack | None = None
        self.trains_ = False
        self.targets_: Any = None
        self.sums_ = [0.0, 0.0, 0.0]

    def initialize(self) -> Self:
        """Forget any training before; skorch calls it at the start of ``fit``."""
        self._release()
        self._forget()
        return self

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments and, by address such as ``"l2.strength"``, every setting of the recipe."""
        own: dict[str, Any] = super().get_params(deep=False)
        return own | settings(self.recipe) if deep and isinstance(self.recipe, Recipe) else own

    def set_params(self, **params: Any) -> Self:
        """Replace arguments, or settings of the recipe: ``l2.strength``, or as scikit-learn has it
        ``recipe__l2__strength``.

        Raises:
            RecipeError: If the recipe has no such setting, or a value is not allowed.
        """  # noqa: D205
        own = self.get_params(deep=False)
        super().set_params(**{name: value for name, value in params.items() if name in own})
        others = {address(name): value for name, value in params.items() if name not in own}
        if others:
            self.recipe = with_settings(self.recipe, others)
        return self

    def state_dict(self) -> dict[str, Any]:
        """What a resumed training needs beside the module, the optimizer and the history."""
        return self.state_ if self.companion_ is None else self.companion_.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state_dict` gave, when training begins."""
        self.state_ = dict(state)

    def on_train_begin(self, net: Any, **_: Any) -> None:
        """Refuse what cannot be served, before anything is trained."""
        self._release()
        refuse(net, self)
        net.regularize_ = self

    def on_epoch_begin(self, net: Any, dataset_train: Any = None, **_: Any) -> None:
        """Bind the recipe to the module and the optimizer, at the first epoch."""
        if self.companion_ is None:
            self._bind(net, dataset_train)
        self.sums_ = [0.0, 0.0, 0.0]

    def _bind(self, net: Any, dataset: Any) -> None:
        state = dict(self.state_)
        if live := state.pop("live", {}):
            net.module_.load_state_dict(live)
        self.loader_ = partial(net.get_iterator, dataset, training=False)
        steps = self.steps
        if steps is None and any(item.is_scheduled for item in self.recipe.regularizers):
            steps = net.max_epochs * len(net.get_iterator(dataset, training=True))
        self.companion_ = Companion(
            net.module_,
            net.optimizer_,
            self.recipe,
            seed=self.seed,
            steps=steps,
            classes=_classes(net) if self.classes is None else self.classes,
            continuous=self.continuous,
        )
        if state:
            self.companion_.load_state_dict(state)
        self.hooks_ = [net.module_.register_forward_pre_hook(self._inputs, with_kwargs=True)]
        if isinstance(net.criterion_, nn.Module):
            self.hooks_ += [
                net.criterion_.register_forward_pre_hook(self._targets),
                net.criterion_.register_forward_hook(self._loss),
            ]

    def on_batch_begin(self, net: Any, batch: Any = None, training: bool = False, **_: Any) -> None:
        """Take the batch's targets; before the first one of a validation, the averaged weights."""
        if self.companion_ is None:
            return
        self.trains_ = training
        if training and self.companion_.changes_batches:
            self.targets_ = to_tensor(unpack_data(batch)[1], device=net.device)
        if not training and self.companion_.averages and self.averaged_ is None:
            self.averaged_ = ExitStack()
            self.averaged_.enter_context(self.companion_.averaged(self.loader_(), partial(_forward, net)))

    def on_batch_end(self, _net: Any, batch: Any = None, training: bool = False, loss: Any = None, **_: Any) -> None:
        """Add the batch to the means of the epoch."""
        self.trains_, self.targets_ = False, None
        if training and loss is not None and self.recipe.of(LossTerm):
            count = get_len(batch[0]) if isinstance(batch, tuple | list) else get_len(batch)
            self.sums_[0] += count
            self.sums_[1] += count * (loss.item() - self.sums_[2])

    def on_epoch_end(self, net: Any, **_: Any) -> None:
        """Put the live weights back, record the separate series, and ask the stop rules.

        Raises:
            RecipeError: If the history has no value for the stop rules.
            KeyboardInterrupt: Where a rule ends the training: that is how skorch is stopped.
        """
        companion = self.companion_
        if companion is None:
            return
        self._live()
        if self.recipe.of(Penalty):
            net.history.record("penalty", companion.penalty())
        if self.recipe.of(LossTerm) and self.sums_[0]:
            data = self.sums_[1] / self.sums_[0]
            net.history.record("data_loss", data)
            net.history.record("terms", net.history[-1]["train_loss"] - data)
        if companion.stops:
            value = net.history[-1].get(self.monitor)
            if value is None:
                raise RecipeError(
                    f"A stop rule watches {self.monitor}, which this net's history does not have; it has "
                    f"{', '.join(key for key in net.history[-1] if key != 'batches')}. Give the net validation data "
                    "(train_split), or name another loss: Regularize(recipe, monitor=...)."
                )
            if companion.watch(value):
                raise KeyboardInterrupt

    def on_train_end(self, net: Any, **_: Any) -> None:
        """Leave the weights that are kept in the module, and let go of it; ``partial_fit`` resumes the live ones."""
        companion = self.companion_
        if companion is None:
            return
        self._live()
        self.trains_ = False
        kept = companion.averages or companion.stops
        live = {name: value.detach().clone() for name, value in net.module_.state_dict().items()} if kept else {}
        self.state_ = companion.state_dict() | {"live": live}
        companion.finish(self.loader_(), partial(_forward, net))
        self._release()

    def _live(self) -> None:
        if self.averaged_ is not None:
            self.averaged_.close()
            self.averaged_ = None

    def _release(self) -> None:
        self._live()
        for hook in self.hooks_:
            hook.remove()
        if self.companion_ is not None:
            self.companion_.detach()
        self.companion_, self.hooks_, self.loader_ = None, [], None

    def _inputs(self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The module's inputs as the recipe's augmentations make them, and the draws of the batch."""
        companion = self.companion_
        if companion is None or not self.trains_:
            return None
        if not companion.changes_batches:
            companion.begin()
            return None
        if not args or not isinstance(args[0], Tensor) or not isinstance(self.targets_, Tensor):
            raise RecipeError(
                "Augmentations and rules for targets act on one tensor of inputs and one of targets; this module is "
                f"called with {', '.join(type(item).__name__ for item in args) or 'named inputs'}. Leave them out of "
                "the recipe."
            )
        inputs, self.targets_ = companion.batch(args[0], self.targets_)
        return (inputs, *args[1:]), kwargs

    def _targets(self, _: nn.Module, args: tuple[Any, ...]) -> Any:
        if self.companion_ is None or not self.trains_ or not self.companion_.softens_targets:
            return None
        return (args[0], self.targets_, *args[2:])

    def _loss(self, _module: nn.Module, _args: tuple[Any, ...], output: Tensor) -> Tensor | None:
        if self.companion_ is None or not self.trains_ or not self.recipe.of(LossTerm):
            return None
        terms = self.companion_.terms()
        if self.companion_.handle is None or not self.companion_.handle.repeats:
            self.sums_[2] = terms.item()
        return output + terms


def _classes(net: Any) -> int | None:
    try:
        return len(net.classes_)
    except AttributeError:  # no classifier, or one without targets
        return None


def _forward(net: Any, batch: Any) -> object:
    return net.infer(unpack_data(batch)[0])
