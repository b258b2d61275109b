"""What Bridle sets in the processes that are its own: the floating-point mode and the number of threads."""

import ctypes
import os
import platform
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import torch

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""How ``mallopt`` names the free memory that is kept, and the size from which on a block is a mapping of its own."""


def prepare() -> None:
    """Flush denormal numbers to zero, in this thread and in every thread made later; keep freed memory.

    L2 drives unused weights to denormal numbers, which slow a processor several times. Call it before torch has
    started any thread. Bridle calls it in its own processes only (the command line and its workers), never in a user's.
    """
    torch.set_flush_denormal(True)
    _keep_memory()


def _keep_memory() -> None:
    """Have glibc keep memory that is freed: by default every step of a pack hands it back and faults it in anew."""
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, 32 * 2**20)
        library.mallopt(_TRIM_THRESHOLD, 512 * 2**20)


@contextmanager
def flushed() -> Iterator[None]:
    """Flush denormal numbers to zero in this thread for a while: one member is the same in any process."""
    before = not (torch.tensor(1e-310, dtype=torch.float64) * 1).item()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


@cache
def end_with(parent: int) -> None:
    """End this process soon after its parent: workers of a killed job must not go on beside the resumed one."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Run with ``count`` threads in torch's operators, and restore the caller's number afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def processor() -> str:
    """The name of the processor, as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
