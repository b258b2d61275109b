"""What all tests share: one thread for torch, its floating-point mode put back, and the folder of real data."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

REPOSITORY = Path(__file__).resolve().parents[1]

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def gradual_underflow() -> Iterator[None]:
    """The command line flushes denormal numbers in its process; the next test in this one has them again."""
    yield
    torch.set_flush_denormal(False)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets (mnist/ ...): BRIDLE_DATA, or shared/data beside the repository."""
    folder = Path(os.environ.get("BRIDLE_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}: set BRIDLE_DATA to the folder that holds them")
    return folder
