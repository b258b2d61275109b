"""The evaluations of a running script: on which rows, with which weights, how well, and what was kept of them."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import wraps
from hashlib import blake2b
from secrets import token_bytes
from typing import Any, final

import torch
from torch import Tensor, nn

from bridle.auditing.loaders import Loaders, Turn, named_among, names_of, spaces
from bridle.auditing.loops import Loops
from bridle.auditing.rows import digests
from bridle.auditing.witnessed import EarlyStop, Evaluation, Load, Stopper, Witnessed

MOST = 500
"""Evaluations that are recorded: more than that are calls within the training, and each time weights are hashed."""

LIMIT = 100_000
"""Training rows whose digests are kept where there is no loader."""


@final
class Evaluations:
    """Notes evaluations, what keeps or loads weights between them, and loops that end after them.

    Args:
        witnessed: Takes what is noted.
        loaders: Know which loader was begun last.
    """

    def __init__(self, witnessed: Witnessed, loaders: Loaders) -> None:
        self._found, self._loaders = witnessed, loaders
        self._open: Evaluation | None = None
        self._phase = 0
        self._training = False
        self._kept = False
        self._passing = 0
        self._begun: dict[int, int] = {}
        self._names: dict[int, tuple[Any, frozenset[str]]] = {}
        self.loops = Loops(self._loop_begun, self._loop_left)

    @contextmanager
    def noticed(self) -> Iterator[None]:
        """Notice in here where weights are copied, saved and loaded, and loops are left."""
        with ExitStack() as stack:
            stack.enter_context(self.loops.followed())
            for holder, name, replacement in (
                (nn.Module, "state_dict", self._noticed_copy(nn.Module.state_dict)),
                (nn.Module, "load_state_dict", self._noticed_load(nn.Module.load_state_dict)),
                (nn.Parameter, "__deepcopy__", self._noticed_copy(nn.Parameter.__deepcopy__)),
                (nn.Parameter, "__reduce_ex__", self._noticed_copy(nn.Parameter.__reduce_ex__)),
            ):
                stack.callback(setattr, holder, name, getattr(holder, name))
                setattr(holder, name, replacement)
            yield

    def trains(self) -> None:
        """A model is called for training."""
        self._loaders.trains()
        self._phase += not self._training
        self._training, self._kept, self._open = True, False, None

    def trained(self, inputs: Tensor) -> None:
        """What it was given; of interest where no loader can be read again."""
        known = self._found.trained_rows
        if self._loaders.training is None and not self._found.validations and len(known) < LIMIT:
            known.extend(digests(inputs))

    def begins(self, model: nn.Module, inputs: Any) -> None:
        """A model is called without being trained.

        Args:
            model: The model.
            inputs: Its first argument.
        """
        self._loaders.validates()
        turn = self._loaders.turn
        source: Any = inputs if turn is None else turn
        known = self._open
        if known is not None and known.model is model and (turn is None or known.source is turn):
            return
        self._training, self._open = False, None
        if len(self._found.evaluations) < MOST:
            training_rows = turn is not None and turn.loader is self._loaders.training
            names = frozenset[str]() if training_rows else self._named(source)
            others = self._models(spaces(sys._getframe(2)), but=model)
            known_as = names, training_rows, self._kept, others
            self._open = Evaluation(model, digest_of(model), self._phase, source, *known_as)
            self._found.evaluations.append(self._open)

    def ends(self, variables: list[Mapping[str, Any]]) -> None:
        """The script has ended, with these variables."""
        self._found.named_at_end = self._models(variables)

    def _models(self, variables: list[Mapping[str, Any]], but: nn.Module | None = None) -> frozenset[tuple[str, int]]:
        """The models, trained and evaluated before, that variables name."""
        known = {id(one.model): one.model for one in self._found.evaluations if one.phase and one.model is not but}
        return frozenset(named_among(known, variables) if known else ())

    @property
    def is_open(self) -> bool:
        """Whether what comes belongs to an evaluation."""
        return self._open is not None

    def rows(self, found: list[bytes]) -> None:
        """The digests of the rows that the model was given, in any order."""
        if self._open is not None:
            self._open.rows += len(found)
            self._open.total += sum(int.from_bytes(digest) for digest in found)

    def loss(self, mean: float, rows: int) -> None:
        """The mean loss of some of them."""
        if self._open is not None:
            self._open.losses.append((mean, rows))

    def right(self, share: float, rows: int) -> None:
        """The share of right answers among some of them."""
        if self._open is not None:
            self._open.right.append((share, rows))

    def keeps(self) -> None:
        """The weights as they are now were copied or saved."""
        if self._passing:
            return
        self._kept, self._found.copied_after = True, len(self._found.early_stops)
        for evaluation in reversed(self._found.evaluations):
            if self._training or evaluation.phase < self._phase:
                return
            evaluation.kept = True

    @contextmanager
    def passing_copies(self) -> Iterator[None]:
        """What is copied or saved in here does not last: the next copy takes its place."""
        self._passing += 1
        try:
            yield
        finally:
            self._passing -= 1

    @property
    def phase(self) -> int:
        """How often training has begun."""
        return self._phase

    @property
    def count(self) -> int:
        """How many evaluations there were."""
        return len(self._found.evaluations)

    def _named(self, source: Any) -> frozenset[str]:
        """What the script's variables call the loader or the inputs."""
        owner = source.loader if isinstance(source, Turn) else source
        if id(owner) not in self._names:
            self._names[id(owner)] = owner, frozenset(names_of(owner, spaces(sys._getframe(3))))
        return self._names[id(owner)][1]

    def _noticed_copy(self, copy: Any) -> Any:
        @wraps(copy)
        def noticed(held: Any, *args: Any, **kwargs: Any) -> Any:
            self.keeps()
            return copy(held, *args, **kwargs)

        return noticed

    def _noticed_load(self, load: Any) -> Any:
        @wraps(load)
        def noticed(model: nn.Module, state: Any, *args: Any, **kwargs: Any) -> Any:
            own = _places(model.parameters())
            itself = bool(own) and own <= _places(dict(state).values())
            result = load(model, state, *args, **kwargs)
            if self._found.evaluations and len(self._found.loads) < MOST:
                self._found.loads.append(Load(model, digest_of(model), len(self._found.evaluations), itself))
            return result

        return noticed

    def _loop_begun(self, loop: int) -> None:
        self._begun[loop] = len(self._found.evaluations)

    def _loop_left(self, loop: int) -> None:
        self.stopped(self._begun.get(loop, 0))

    def stopped(self, first: int, by: Stopper | None = None) -> None:
        """A training ended early.

        Args:
            first: How many evaluations there were before it.
            by: What stopped it, if that was a framework.
        """
        self._open = None  # what is evaluated next is no part of it
        since = self._found.evaluations[first:]
        if self._training or not since or since[-1].phase < self._phase:
            return
        model = since[-1].model
        within = tuple(one for one in since if one.model is model)
        if within[0].phase < within[-1].phase:
            self._found.early_stops.append(EarlyStop(model, within, self._phase, by))


def digest_of(model: nn.Module) -> bytes:
    """16 bytes of all parameters of a model; of weights that cannot be read, such as sharded ones, random bytes."""
    found = blake2b(digest_size=16)
    with torch._C.DisableTorchFunction():
        try:
            for weight in model.parameters():
                found.update(weight.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
        except (RuntimeError, TypeError):
            return token_bytes(16)
    return found.digest()


def _places(tensors: Iterable[Any]) -> set[int]:
    """Where strided tensors lie in memory."""
    with torch._C.DisableTorchFunction():
        held = [one for one in tensors if isinstance(one, Tensor) and one.layout == torch.strided and not one.is_meta]
        return {one.data_ptr() for one in held if one.numel()}
