"""The trained model of a run: arrays in ``model.safetensors``, the rest in ``model.json``. Nothing is pickled."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bridle.data.preprocess import Preprocessing
from bridle.engine import checkpoint
from bridle.engine.network import build_network
from bridle.engine.trained import Trained, load_weights
from bridle.errors import RunError
from bridle.job.workspace import Workspace
from bridle.records import Layout, serial


def save(
    workspace: Workspace,
    trained: Trained,
    layout: Layout,
    *,
    model: str,
    seed: int,
    custom_loss: bool,
    stem: str = "model",
) -> None:
    """Write the model of a run.

    Args:
        workspace: The run.
        trained: The network with its preprocessing.
        layout: The layout of the data it was trained on.
        model: ``"pkg.mod:name"``, ``"python"`` for an object given from Python, or empty for the default.
        seed: The seed that built it.
        custom_loss: Whether it was trained with a loss of the user's.
        stem: The files' name below the run's folder, without its ending.
    """
    file = workspace.folder / f"{stem}.safetensors"
    checkpoint.write(file, tensors_of(trained), {})
    plain = {
        "model": model,
        "seed": seed,
        "custom_loss": custom_loss,
        "layout": serial.to_plain(layout),
        "sha256": _digest(file),
    }
    workspace.write(f"{stem}.json", json.dumps(plain, indent=1, ensure_ascii=False))


def load(workspace: Workspace, model: Any = None, stem: str = "model") -> tuple[Trained, Layout]:
    """Read the model of a run.

    Args:
        workspace: The run.
        model: The model again, as it was given to the job: a factory named in a run is never imported by itself.
        stem: The files' name below the run's folder, without its ending.

    Raises:
        RunError: If files are missing, damaged or changed, or the user's own model is not named again.
    """
    plain = workspace.json(f"{stem}.json")
    file = workspace.folder / f"{stem}.safetensors"
    if not file.is_file():
        raise RunError(f"The run {str(workspace.folder)!r} lacks {stem}.safetensors.")
    if _digest(file) != plain.get("sha256"):
        raise RunError(f"{file} does not match the digest in {stem}.json: one of them was changed after training.")
    layout = serial.from_plain(Layout, plain.get("layout"), f"{stem}.json: layout")
    named = plain.get("model")
    if named and model is None:
        again = f"--model {named}" if named != "python" else "model=... from Python"
        raise RunError(
            f"This run was trained with a model of your own ({named}); code named in a file "
            f"is never imported. Give {again}."
        )
    tensors, _ = checkpoint.read(file)
    model, custom_loss = model if named else None, bool(plain["custom_loss"])
    return rebuilt(tensors, layout, model, int(plain["seed"]), custom_loss=custom_loss, where=str(file)), layout


def tensors_of(trained: Trained) -> dict[str, Tensor]:
    """Weights, buffers and preprocessing of a network by name."""
    tensors = {f"model/{name}": value for name, value in trained.model.state_dict().items()}
    arrays = trained.preprocessing.to_arrays()
    return tensors | {f"preprocessing/{name}": torch.from_numpy(array) for name, array in arrays.items()}


def rebuilt(
    tensors: Mapping[str, Tensor], layout: Layout, model: Any, seed: int, *, custom_loss: bool, where: str
) -> Trained:
    """The network of :func:`tensors_of`, on the processor.

    Args:
        tensors: As :func:`tensors_of` gave them.
        layout: The layout of its rows.
        model: What builds it; ``None`` for the default.
        seed: The seed that built it.
        custom_loss: Whether it was trained with a loss of the user's.
        where: What holds the tensors, for the error.

    Raises:
        RunError: If they do not fit what ``model`` builds.
    """
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "preprocessing": {}}
    for name, value in tensors.items():
        part, _, rest = name.partition("/")
        parts[part][rest] = value
    arrays = {name: value.numpy() for name, value in parts["preprocessing"].items()}
    preprocessing, device = Preprocessing.from_arrays(layout, arrays), torch.device("cpu")
    network = build_network(model, layout, preprocessing, seed, custom_loss=custom_loss, device=device)
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in parts["model"].items()}
    if expected != found:
        name = next(iter(sorted(expected.items() ^ found.items())))[0]
        raise RunError(f"{where} does not fit the network: it differs in {name!r}. Is it the same --model?")
    load_weights(network, parts["model"])
    return Trained(network, preprocessing, device)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
