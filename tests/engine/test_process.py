"""What is set in a process, and put back."""

import os
import subprocess
import sys

import pytest
import torch

from bridle.engine.process import cores, flushed, prepare, threads

TINY = torch.tensor(1e-310, dtype=torch.float64)


@pytest.fixture
def gradual():
    """Denormal numbers as they are before and after."""
    torch.set_flush_denormal(False)
    yield
    torch.set_flush_denormal(False)


def test_prepare_flushes_denormal_numbers(gradual):
    assert (TINY * 1).item() > 0
    prepare()
    assert (TINY * 1).item() == 0


@pytest.mark.parametrize("before", [False, True])
def test_flushed_for_a_while_whatever_was_before(before, gradual):
    torch.set_flush_denormal(before)
    with flushed():
        assert (TINY * 1).item() == 0
    assert ((TINY * 1).item() == 0) is before


def test_a_worker_ends_with_its_parent():
    code = "import sys, time; from bridle.engine.process import end_with; end_with(int(sys.argv[1])); "
    child = f"{code}print('watching', flush=True); time.sleep(60)"
    parent = (
        "import os, subprocess, sys; "
        "subprocess.Popen([sys.executable, '-c', sys.argv[1], str(os.getpid())]); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent, child], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "watching\n"
        process.kill()
        assert process.stdout.read() == ""  # the end of the stream: nobody holds it any more


def test_threads_for_a_while():
    before = torch.get_num_threads()
    with threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_cores_are_those_of_this_process():
    assert 1 <= cores() <= (os.cpu_count() or 1)
