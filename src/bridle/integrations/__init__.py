"""Bridle in other libraries: each is imported by its own file or package alone, and only when that is used."""

from collections.abc import Iterator
from contextlib import contextmanager

from bridle.errors import MissingError


@contextmanager
def needs(who: str, install: str, instead: str = "") -> Iterator[None]:
    """Import another library in here; where that fails the error says what is missing and how to install it.

    Args:
        who: What needs it, in the user's words: ``"bridle.lightning"``.
        install: What pip is to install: ``"bridle[lightning]"``.
        instead: What else may be done, in a sentence.

    Raises:
        MissingError: If the library, or something that it imports, is not there or cannot be imported.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or str(error)).partition(".")[0]
        message = f'{who} needs {missing}, which is not installed: pip install "{install}". {instead}'
        raise MissingError(message.strip(), name=error.name) from error
    except Exception as error:  # a build for another torch, or of another version, fails in many ways
        raise MissingError(
            f"{who} needs a library that is installed and cannot be imported ({type(error).__name__}: {error}). "
            f'Install the build that was made for this torch: pip install --upgrade "{install}".'
        ) from error
