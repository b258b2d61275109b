"""Versions and hardware, for the evidence."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from bridle.engine.process import processor

PACKAGES = ("bridle", "torch", "numpy", "scikit-learn", "optuna", "polars", "safetensors", "pillow")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that matter for a result."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found


def hardware(device: str, threads: int, workers: int) -> dict[str, Any]:
    """The machine: what a time or a last bit depends on."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_gib": _memory(),
        "device": device,
        "threads": threads,
        "workers": workers,
    }


def _memory() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError, AttributeError):
        return None
