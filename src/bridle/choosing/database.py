"""The database of a study: patient where it is locked or out of reach, its errors in the user's words."""

import importlib.util
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, final

from bridle.errors import StorageError

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

T = TypeVar("T")

PATIENCE = 300.0
"""Seconds for which a database that is locked or out of reach is asked again."""
BUSY = 5.0
"""Seconds that SQLite waits by itself for a file that another process has locked."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0
"""Seconds between two tries: each pause is twice the one before."""

_DRIVERS = ("psycopg", "psycopg2")


def url_of(storage: Path | str) -> str:
    """The URL of a database: a path is a SQLite file, PostgreSQL goes through the driver that is installed.

    Raises:
        StorageError: If there is no driver for PostgreSQL.
    """
    if not (isinstance(storage, str) and "://" in storage):
        return f"sqlite:///{Path(storage).absolute()}"
    kind, _, rest = storage.partition("://")
    if kind not in ("postgres", "postgresql"):
        return storage
    driver = next((name for name in _DRIVERS if importlib.util.find_spec(name)), None)
    if driver is None:
        raise StorageError(
            f"{without_password(storage)} needs a driver for PostgreSQL, and none is installed. Install one with: "
            "pip install 'bridle[postgres]'"
        )
    return f"postgresql+{driver}://{rest}"


def without_password(url: str) -> str:
    """The URL as it may be shown and stored."""
    head, mark, place = url.rpartition("@")
    scheme, slashes, login = head.partition("://")
    return f"{scheme}{slashes}{login.partition(':')[0]}{mark}{place}" if mark and slashes else url


@final
class Database:
    """Does what is asked of a database, again and again while it is locked or out of reach.

    What is asked must be safe to do once more: a connection can break after the work was done.

    Args:
        storage: A SQLite file, made where it is missing, or the URL of a database.
        say: Is told, in a sentence, when a database has to be waited for, and when it is back.
        alone: Whether no other search uses it.

    Raises:
        StorageError: If it cannot be opened, or is no database. A server that cannot be reached at all is not waited
            for here: its address may be wrong.
    """

    def __init__(self, storage: Path | str, say: Callable[[str], None], *, alone: bool = False) -> None:
        self._url = url_of(storage)
        self.name = without_password(self._url)
        self._say, self._alone = say, alone
        self._opened = False
        self.storage: RDBStorage = self(self._open)
        self._opened = True

    def _open(self) -> "RDBStorage":
        from optuna.storages import RDBStorage

        options: dict[str, Any] = {"pool_pre_ping": True}
        if self._is_file:
            options = {"connect_args": {"timeout": BUSY}}
            if self._alone:
                options["pool_events"] = [(_write_ahead, "connect")]
        return RDBStorage(self._url, engine_kwargs=options)

    @property
    def _is_file(self) -> bool:
        return self._url.startswith("sqlite")

    def close(self) -> None:
        """Let go of the database."""
        self.storage.remove_session()
        self.storage.engine.dispose()

    def __call__(self, operation: Callable[[], T]) -> T:
        """Do ``operation``, with pauses that grow while the database is locked or out of reach.

        Raises:
            StorageError: If that lasts for :data:`PATIENCE` seconds, or something else is wrong with the database.
        """
        import optuna
        from sqlalchemy.exc import SQLAlchemyError

        verbosity = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(max(verbosity, optuna.logging.ERROR))
        began, pause = time.monotonic(), FIRST_PAUSE
        try:
            while True:
                try:
                    done = operation()
                except (SQLAlchemyError, optuna.exceptions.StorageInternalError, ImportError) as error:
                    if not self._passes(error) or time.monotonic() - began + pause > PATIENCE:
                        raise self._told(error) from error
                    if pause == 2 * FIRST_PAUSE:
                        self._say(
                            f"The database of the search, {self.name}, cannot be used now ({_told_by(error)}); it is "
                            f"tried again for up to {PATIENCE / 60:.2g} minutes."
                        )
                    time.sleep(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
                else:
                    if pause > 2 * FIRST_PAUSE:
                        self._say(f"The database of the search, {self.name}, is back.")
                    return done
        finally:
            optuna.logging.set_verbosity(verbosity)

    def _passes(self, error: Exception) -> bool:
        """Whether the cause may go by itself."""
        from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError

        cause, text = _of_the_driver(error), _told_by(error)
        if not self._opened and ("already exists" in text or isinstance(cause, IntegrityError)):
            return True  # another search makes the tables at this moment
        if self._is_file:
            return "locked" in text
        if "No space left" in text or not isinstance(cause, OperationalError | InterfaceError):
            return False
        return self._opened or "starting up" in text or "shutting down" in text

    def _told(self, error: Exception) -> StorageError:
        return StorageError(
            f"The database of the search, {self.name}, cannot be used: {_told_by(error)}. Check that it can be reached "
            "and written, and that the disk is not full. What was told so far is kept: bridle fit --resume goes on."
        )


def _write_ahead(connection: Any, _record: Any) -> None:
    """Have SQLite write ahead: what was told outlives a killed process, and no commit waits for the disk.

    A search commits some ten times for each recipe; otherwise each takes the disk milliseconds. Not where several
    searches share the file: they may be on several machines, which cannot write ahead together.
    """
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def _of_the_driver(error: BaseException) -> BaseException:
    """SQLAlchemy's error, which Optuna may have wrapped."""
    from sqlalchemy.exc import SQLAlchemyError

    return error if isinstance(error, SQLAlchemyError) or error.__cause__ is None else error.__cause__


def _told_by(error: BaseException) -> str:
    """What the driver said, in a line."""
    cause = _of_the_driver(error)
    return str(getattr(cause, "orig", None) or cause).splitlines()[0]
