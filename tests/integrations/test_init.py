"""Where a library is missing the error says which, and what to install."""

import subprocess
import sys
from importlib import import_module

import pytest

import bridle
from bridle.errors import BridleError, MissingError
from bridle.integrations import needs

MISSING = [
    ("lightning", "bridle.lightning", "bridle.lightning", "lightning"),
    ("transformers", "bridle.huggingface", "bridle.huggingface", "huggingface"),
    ("accelerate", "bridle.huggingface", "bridle.huggingface", "huggingface"),
    ("skorch", "bridle.skorch", "bridle.skorch", "skorch"),
    ("keras", "bridle.keras", "bridle.keras", "keras"),
    ("kornia", "bridle.transforms.kornia('RandomCrop')", "kornia('RandomCrop')", "kornia"),
]
PROGRAM = """
import sys
import bridle
sys.modules[{name!r}] = None
try:
    {call}
except ImportError as error:
    print(type(error).__name__, error.name)
    print(error)
"""


@pytest.mark.parametrize(("name", "call", "who", "extra"), MISSING, ids=[name for name, *_ in MISSING])
def test_what_is_missing_is_said(name, call, who, extra):
    code = PROGRAM.format(name=name, call=call)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    kind, message = done.stdout.splitlines()
    assert kind.split()[0] == "MissingError"
    assert kind.split()[1].partition(".")[0] == name
    assert message == f'{who} needs {name}, which is not installed: pip install "bridle[{extra}]".'


@pytest.mark.parametrize(
    ("function", "module", "package"),
    [("to_tensorboard", "torch.utils.tensorboard", "torch"), ("to_mlflow", "mlflow", "mlflow")],
)
def test_loggers(function, module, package, monkeypatch, tmp_path):
    run = object.__new__(bridle.Run)
    monkeypatch.setitem(sys.modules, module, None)
    extra = function.removeprefix("to_")
    message = rf'{function}\(\.\.\.\) needs {package}, which is not installed: pip install "bridle\[{extra}\]"'
    with pytest.raises(MissingError, match=message):
        getattr(bridle.loggers, function)(run, *((tmp_path,) if function == "to_tensorboard" else ()))


def test_torchvision(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(MissingError, match=r'needs torchvision, which is not installed: pip install "torchvision"'):
        bridle.transforms.torchvision("RandomCrop")


@pytest.mark.parametrize("error", [RuntimeError("operator torchvision::nms does not exist"), ImportError("no symbol")])
def test_a_library_that_cannot_be_imported(error):
    message = rf"is installed and cannot be imported \({type(error).__name__}: {error}\)\. Install the build"
    with pytest.raises(MissingError, match=message), needs("kornia('RandomCrop')", "bridle[kornia]"):
        raise error


def test_another_way_is_told():
    with pytest.raises(BridleError, match=r'pip install "bridle\[tensorflow\]"\. Or set KERAS_BACKEND=torch\.$'):
        _import("a_module_that_is_not_there", "bridle[tensorflow]", "Or set KERAS_BACKEND=torch.")


def _import(module, *arguments):
    with needs("bridle.keras", *arguments):
        import_module(module)
