"""The gradients of a pack as a compiled graph: an option for long searches.

A graph is made for one number of members and one size of batch: for as many members as the largest pack has, or an
even share of it. Packs are filled up with their last member again, so that a member's bits do not depend on how many
share its pack, and nothing is compiled anew when members come and go.
"""

import math
import warnings
from collections.abc import Callable, Hashable
from typing import Any, TypeAlias, final

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

from bridle.engine.packs.gradients import Given, Gradients
from bridle.population.stack import Tensors

MOST = 32
"""Members per call at most: enough to hide what a call costs, and not too many to fill up with."""
TOLERANCE = 1e-4
"""How far compiled gradients may be from the others, as a share of the largest: some are zero but for rounding."""

_Flat: TypeAlias = dict[tuple[str, str], Tensor]


@final
class Graph:
    """The gradients for one shape of batch, recorded as a graph of tensor operations and compiled.

    Args:
        gradients: What is recorded.
        example: The tensors of as many members as it takes; they are not changed.

    Raises:
        Exception: Whatever torch or its compiler says where this network cannot be recorded or compiled.
        ArithmeticError: If what comes out is something else, or depends on a member's place.
    """

    def __init__(self, gradients: Gradients, example: _Flat) -> None:
        self._names: list[str] = []
        keys = list(example)

        def recorded(*tensors: Tensor) -> list[Tensor]:
            losses_M, found = gradients(_parts(dict(zip(keys, tensors, strict=True))))
            self._names = list(found)
            return [losses_M, *found.values()]

        graph = make_fx(recorded)(*_copies(example).values())
        graph.graph.eliminate_dead_code()
        graph.recompile()
        self._call: Callable[..., list[Tensor]] = torch.compile(graph, dynamic=False, fullgraph=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's own parts warn of each other
            self._try(recorded, example)

    @torch.no_grad()
    def __call__(self, given: _Flat) -> tuple[Tensor, Tensors]:
        """What the recorded function gives; buffers are changed in place."""
        losses_M, *found = self._call(*given.values())
        return losses_M, dict(zip(self._names, found, strict=True))

    def _try(self, recorded: Callable[..., list[Tensor]], example: _Flat) -> None:
        expected = recorded(*_copies(example).values())
        with torch.no_grad():
            found = self._call(*_copies(example).values())
            turned = self._call(*(tensor.roll(1, 0) for tensor in example.values()))
        largest = max(float(tensor.abs().max()) for tensor in expected)
        if not all(
            float((mine - own).abs().max()) <= TOLERANCE * largest for mine, own in zip(found, expected, strict=True)
        ):
            raise ArithmeticError("compiled, its gradients are others")
        if not all(torch.equal(mine.roll(1, 0), other) for mine, other in zip(found, turned, strict=True)):
            raise ArithmeticError("compiled, its last bits depend on who shares the pack")


@final
class Compiled:
    """The gradients of the members of one kind, compiled for each shape of batch where that is possible.

    Args:
        gradients: The same function as it is, for whatever cannot be compiled.
        kind: What its operations depend on besides shapes.
        graphs: The graphs of this process, shared by all packs of a job: a graph, or why there is none.
        size: The largest pack.
    """

    def __init__(self, gradients: Gradients, kind: Hashable, graphs: dict[Hashable, Graph | str], size: int) -> None:
        self._gradients, self._kind, self._graphs = gradients, kind, graphs
        self._rows = max(2, math.ceil(size / math.ceil(size / MOST)))

    @property
    def refused(self) -> str:
        """Why these members train as they are, in words; empty where they do not."""
        known = self._graphs.get(self._kind, "")
        return known if isinstance(known, str) else ""

    def __call__(self, given: Given) -> tuple[Tensor, Tensors]:
        """The losses and gradients of any number of members; buffers are changed in place."""
        if self.refused:
            return self._gradients(given)
        flat = {(part, name): tensor for part, own in given.items() for name, tensor in own.items()}
        which = (self._kind, self._rows, *((key, tensor.shape[1:], tensor.dtype) for key, tensor in flat.items()))
        if which not in self._graphs:
            try:
                self._graphs[which] = Graph(self._gradients, _rows(flat, 0, self._rows))
            except MemoryError:
                raise
            except Exception as error:  # whatever torch, the compiler or the user's code says: it trains as it is
                self._graphs[self._kind] = _told(error)
                return self._gradients(given)
        graph = self._graphs[which]
        assert isinstance(graph, Graph)  # noqa: S101 - only whole kinds are refused
        return _called(graph, flat, self._rows)


def _told(error: Exception) -> str:
    """The first line of what was raised, without the compiler's wrapping."""
    inner = getattr(error, "inner_exception", None) or error
    return f"{type(inner).__name__}: {str(inner).strip().partition(chr(10))[0][:200]}"


def _called(graph: Graph, flat: _Flat, rows: int) -> tuple[Tensor, Tensors]:
    count = len(next(iter(flat.values())))
    losses, found = [], []
    for start in range(0, count, rows):
        own, end = _rows(flat, start, start + rows), min(start + rows, count)
        losses_M, gradients = graph(own)
        if end < start + rows:
            losses_M, gradients = losses_M[: end - start], {name: g[: end - start] for name, g in gradients.items()}
            for key, tensor in own.items():
                if key[0] == "buffers":
                    flat[key][start:end].copy_(tensor[: end - start])
        losses.append(losses_M)
        found.append(gradients)
    if len(found) == 1:
        return losses[0], found[0]
    return torch.cat(losses), {name: torch.cat([own[name] for own in found]) for name in found[0]}


def _rows(flat: _Flat, start: int, end: int) -> _Flat:
    """The members from ``start`` to ``end``, filled up with the last one."""
    return {key: _filled(tensor[start:end], end - start) for key, tensor in flat.items()}


def _filled(tensor: Tensor, rows: int) -> Tensor:
    extra = rows - len(tensor)
    return torch.cat([tensor, tensor[-1:].expand(extra, *tensor.shape[1:])]) if extra else tensor


def _copies(flat: _Flat) -> _Flat:
    return {key: tensor.clone() for key, tensor in flat.items()}


def _parts(flat: _Flat) -> dict[str, Any]:
    parts: dict[str, Tensors] = {part: {} for part in ("weights", "frozen", "buffers", "uniforms", "dials", "batch")}
    for (part, name), tensor in flat.items():
        parts[part][name] = tensor
    return parts
