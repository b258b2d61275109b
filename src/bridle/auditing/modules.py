"""Follows the loops of a script, and those of the modules of its own that it imports."""

import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from itertools import count
from pathlib import Path
from types import CodeType
from typing import Any, final

from bridle.auditing.marked import compiled

LIBRARIES = {"site-packages", "dist-packages"}
OURS = Path(__file__).resolve().parents[1]


@final
class Modules:
    """A script, and what lies beside it or below, or below the current folder, that is no installed library.

    Args:
        script: Path of the script.
    """

    def __init__(self, script: Path) -> None:
        self._script = script
        self._folders = tuple(dict.fromkeys((script.resolve().parent, Path.cwd())))
        self._numbers = count()
        self._loaded: list[str] = []

    def main(self) -> CodeType:
        """The code of the script itself.

        Raises:
            SyntaxError: As compiling the script itself does.
        """
        return compiled(self._script.read_bytes(), str(self._script), self._numbers)

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Follow the loops of modules that are imported in here, and forget these modules afterwards."""
        sys.meta_path.insert(0, self)
        try:
            yield
        finally:
            sys.meta_path.remove(self)
            for name in self._loaded:
                sys.modules.pop(name, None)

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        """As Python finds a module, for those of the script's own; called by ``import``."""
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or type(spec.loader) is not SourceFileLoader or not self._is_own(Path(spec.loader.path)):
            return None
        self._loaded.append(name)
        spec.loader = _Loader(name, spec.loader.path, self._numbers)
        return spec

    def _is_own(self, file: Path) -> bool:
        place = file.resolve()
        folder = next((folder for folder in self._folders if place.is_relative_to(folder)), None)
        if folder is None or any(place.is_relative_to(library) for library in _installed()):
            return False
        within = place.relative_to(folder).parts[:-1]
        between = [folder.joinpath(*within[: depth + 1]) for depth in range(len(within))]
        return LIBRARIES.isdisjoint(within) and not any((step / "pyvenv.cfg").exists() for step in between)


class _Loader(SourceFileLoader):
    """Loads a module from its source with calls where its loops begin and end; no such code is written to files."""

    def __init__(self, name: str, path: str, numbers: Iterator[int]) -> None:
        super().__init__(name, path)
        self._numbers = numbers

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return compiled(self.get_data(path), path, self._numbers)


def _installed() -> list[Path]:
    """Where Python's own modules and ours are: no script's, even if they lie below the current folder."""
    return [Path(sysconfig.get_path("stdlib")).resolve(), OURS]
