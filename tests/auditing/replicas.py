"""Audits in one of two processes that take a step together; run by conftest.py, which reads what it writes.

python replicas.py RANK FOLDER
"""

import json
import sys
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import torch
from torch import distributed, nn
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel
from torch.optim import SGD, AdamW

import bridle

STRENGTH = 0.1
MATRICES = ("0.weight", "2.weight")


def net():
    """The same network in every process."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3)).double()


def rows(rank=None):
    """Sixteen rows, or the half of them that a process has."""
    source = torch.Generator().manual_seed(1)
    x, y = torch.randn(16, 6, generator=source, dtype=torch.float64), torch.randint(0, 3, (16,), generator=source)
    part = slice(None) if rank is None else slice(8 * rank, 8 * rank + 8)
    return x[part], y[part]


def sgd(weights):
    return SGD(weights, 0.1, momentum=0.9)


def l2(model, strength=STRENGTH):
    weights = dict(model.named_parameters())
    return 0.5 * strength * sum(weights[name].square().sum() for name in MATRICES)


def training(rank=None, **asked):
    """A training step.

    Args:
        rank: The process, None for one process that has all rows.
        asked: ``optimizer``; ``wrap``, in DistributedDataParallel; ``divide``, the data loss; ``apart``, the penalty,
            too; ``penalty``; ``after``, what is done after the backward pass; ``clip``; ``micro``, micro-batches, and
            ``whole``, whether the penalty is divided by their number; ``scaler``; ``early``, clipping before unscaling.
    """
    choice = SimpleNamespace(
        optimizer=sgd, wrap=rank is not None, divide=1, apart=1, penalty=l2, after=None, clip=None, micro=1, whole=True,
        scaler=None, early=False,
    )  # fmt: skip
    vars(choice).update(asked)
    inner, (x, y) = net(), rows(rank)
    model = DistributedDataParallel(inner) if choice.wrap else inner
    optimizer = choice.optimizer(model.parameters())

    def loss_of(number):
        parts = x.chunk(choice.micro)[number], y.chunk(choice.micro)[number]
        data = cross_entropy(model(parts[0]), parts[1]) / choice.divide
        if choice.penalty is None:
            return data / choice.micro
        penalty = choice.penalty(inner) / choice.apart if choice.apart > 1 else choice.penalty(inner)
        return (data + penalty) / choice.micro if choice.whole else data / choice.micro + penalty

    def clipped():
        if choice.clip:
            nn.utils.clip_grad_norm_(model.parameters(), choice.clip)

    def step():
        optimizer.zero_grad()
        for number in range(choice.micro):
            last = number == choice.micro - 1
            with nullcontext() if last or not choice.wrap else model.no_sync():
                loss = loss_of(number)
                (loss if choice.scaler is None else choice.scaler.scale(loss)).backward()
        if choice.after is not None:
            choice.after(model)
        if choice.scaler is None:
            clipped()
            optimizer.step()
            return
        if not choice.early:
            choice.scaler.unscale_(optimizer)
        clipped()
        choice.scaler.step(optimizer)
        choice.scaler.update()

    return SimpleNamespace(model=model, inner=inner, optimizer=optimizer, step=step)


def summed(model):
    for weight in model.parameters():
        distributed.all_reduce(weight.grad)


def averaged(model):
    summed(model)
    for weight in model.parameters():
        weight.grad /= distributed.get_world_size()


def first_kept(model):
    """The first layer keeps its sum, the other is averaged."""
    summed(model)
    for weight in list(model.parameters())[2:]:
        weight.grad /= distributed.get_world_size()


def with_more(model):
    for name, weight in model.module.named_parameters():
        if name in MATRICES:
            weight.grad.add_(weight.detach(), alpha=0.03)


def adamw(weights):
    return AdamW(weights, 0.01, weight_decay=0.2)


def attached(case):
    bridle.attach(case.model, case.optimizer, bridle.Recipe(bridle.L2(0.05), bridle.L1(0.02, scope="first_layer")))
    return case


def scaler():
    return torch.amp.GradScaler("cpu", init_scale=64.0)


def uneven(rank):
    """What one process sees in its own loss and outputs is not in the other."""

    class Uneven(nn.Module):
        def __init__(self):
            super().__init__()
            self.net, self.extra = net(), nn.Parameter(torch.ones(3, dtype=torch.float64))

        def forward(self, x):
            return self.net(x) + rank * self.extra.detach() + 0.0 * self.extra

    model, (x, y) = Uneven(), rows(rank)
    optimizer = sgd(model.parameters())

    def step():
        optimizer.zero_grad()
        loss = cross_entropy(model(x), y)
        if rank == 0:
            loss = loss + sum(weight.detach().square().sum() for weight in model.net.parameters())
        loss.backward()
        averaged(model)
        optimizer.step()

    return SimpleNamespace(model=model, inner=model, optimizer=optimizer, step=step)


def cases(rank):
    """Every case that both processes audit, by name."""
    by_hand = {"wrap": False, "after": summed}
    yield "mean", training(rank)
    yield "clipped", training(rank, clip=0.1)
    yield "decayed", training(rank, optimizer=adamw, penalty=None, clip=0.2)
    yield "attached", attached(training(rank, penalty=None, clip=0.2))
    yield "micro", training(rank, micro=2)
    yield "averaged", training(rank, wrap=False, after=averaged)
    yield "scaled", training(rank, scaler=scaler(), clip=0.1)
    yield "clipped early", training(rank, scaler=scaler(), clip=0.1, early=True)
    yield "summed", training(rank, **by_hand)
    yield "divided and summed", training(rank, divide=2, **by_hand)
    yield "both divided and summed", training(rank, divide=2, apart=2, **by_hand)
    yield "divided in micro-batches and summed", training(rank, divide=2, micro=2, **by_hand)
    yield "divided and averaged", training(rank, divide=2)
    yield "per micro-batch", training(rank, micro=2, whole=False)
    yield "more by hand", training(rank, after=with_more)
    yield "by the first process", training(rank, penalty=l2 if rank == 0 else None)
    yield "unlike", training(rank, wrap=False, after=first_kept)
    yield "uneven", uneven(rank)


def told(case):
    before = {name: value.clone() for name, value in case.inner.state_dict().items()}
    result = bridle.audit(case.model, case.optimizer, case.step)
    kept = all(torch.equal(value, before[name]) for name, value in case.inner.state_dict().items())
    return {
        "kept": kept and not case.optimizer.state_dict()["state"],
        "ledger": asdict(result.ledger),
        "findings": {one.name: asdict(one) for one in result.findings},
    }


def main():
    rank, folder = int(sys.argv[1]), Path(sys.argv[2])
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder / 'meeting'}", rank=rank, world_size=2)
    found = {name: told(case) for name, case in cases(rank)}
    if rank == 1:  # nobody else takes part
        found["alone"] = told(training(1, wrap=False))
    (folder / f"{rank}.json").write_text(json.dumps(found, default=str))
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
