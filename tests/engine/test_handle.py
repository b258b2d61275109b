"""The handle in several processes: replicas (gloo, real processes) give the weights of one process."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

SCRIPT = Path(__file__).with_name("replicas.py")


def test_two_processes_give_the_weights_of_one(tmp_path):
    surroundings = os.environ | {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen([sys.executable, str(SCRIPT), str(rank), str(tmp_path)], env=surroundings) for rank in (0, 1)
    ]
    assert [process.wait(timeout=300) for process in started] == [0, 0]
    spec = importlib.util.spec_from_file_location("replicas", SCRIPT)
    replicas = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(replicas)
    with torch.random.fork_rng():
        alone = replicas.make_net()
    replicas.train(alone, slice(None))
    assert (alone[0].weight == 0).any()
    for rank in (0, 1):
        for name, weight in load_file(tmp_path / f"{rank}.safetensors").items():
            torch.testing.assert_close(weight, alone.state_dict()[name], rtol=1e-12, atol=1e-14)
