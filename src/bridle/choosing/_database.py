"""The database of a study: opened quietly, its errors in the user's words."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bridle.errors import StorageError

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

PATIENCE = 60.0
"""Seconds to wait for a SQLite file that another process has locked."""


def url_of(storage: Path | str) -> str:
    """The URL of a database: a path is a SQLite file."""
    return storage if isinstance(storage, str) and "://" in storage else f"sqlite:///{Path(storage).absolute()}"


def open_database(url: str) -> "RDBStorage":
    """The database behind ``url``; its tables are made where it has none.

    Raises:
        StorageError: If it cannot be opened, or is no database.
    """
    from optuna.storages import RDBStorage

    waiting = {"connect_args": {"timeout": PATIENCE}} if url.startswith("sqlite") else {}
    with storing(url):
        return RDBStorage(url, engine_kwargs=waiting)


@contextmanager
def storing(url: str) -> Iterator[None]:
    """Errors of the database as :class:`StorageError`, and Optuna's own messages only from warnings on."""
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(verbosity, optuna.logging.WARNING))
    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError, ImportError) as error:
        cause = str(error.__cause__ or error).splitlines()[0]
        raise StorageError(
            f"The database of the search, {url}, cannot be used: {cause}. Check that it can be reached and written, "
            "and that the disk is not full; what was told so far is kept."
        ) from error
    finally:
        optuna.logging.set_verbosity(verbosity)
