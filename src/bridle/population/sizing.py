"""How large a pack may be: what the cache holds sets the pace, memory the limit."""

import os

import torch

CACHE = 16 * 2**20
"""Bytes that a pack may take before its steps wait for memory: about what the caches of a core hold."""
SMALLEST = 8
"""A pack of fewer pays too much for calling torch."""
SHARE = 0.4
"""The share of the free memory that all packs together may take."""
ROOM = 4 * 2**30
"""Taken for the free memory where the system does not say."""


def largest_pack(each: int, device: torch.device, workers: int) -> int:
    """How many members one pack may have.

    On a processor time per member is least where the pack fits into the cache; a GPU is the faster, the larger the
    pack is, up to its memory.

    Args:
        each: Bytes that a member takes.
        device: Where it trains.
        workers: Processes that train at once on that device's memory.
    """
    fits = int(SHARE * _free(device) / max(1, workers) / max(1, each))
    best = max(SMALLEST, CACHE // max(1, each)) if device.type == "cpu" else fits
    return max(1, min(fits, best))


def trial_size(largest: int) -> int:
    """The size of the pack that is timed."""
    return max(2, min(largest, SMALLEST))


def _free(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return ROOM
