"""Opening a database: a path or any SQLAlchemy URL of SQLite or PostgreSQL, brought to the newest schema."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, inspect, make_url, text

from extractor.errors import MendableError
from models import learning_tables  # noqa: F401 - its tables belong to the schema
from models.tables import Table

if TYPE_CHECKING:
    from alembic.config import Config

LOCK_TIMEOUT = 60
"""Seconds that a writer waits for another one."""

# Beside this package in the wheel as in the working tree. Not imported: another `migrations` could shadow it.
MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


class DatabaseError(MendableError):
    """The database cannot be used as it is; the message is one line, says what to do, and has no password."""


def open_database(where: str | Path) -> Engine:
    """An engine on ``where``, a path (SQLite) or a SQLAlchemy URL; created where it is not there yet.

    Raises DatabaseError where it cannot be opened, is no database of ours, or is newer than this program.
    """
    url = _url(where)
    name = _name(url)
    engine = _engine(url, name)
    with _explained(name):
        if engine.dialect.name == "sqlite":
            _turn_on_wal(engine)
        _bring_up_to_date(engine, name)
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: takes SQLite's write lock at once, for a reader cannot always turn writer.

    Raises DatabaseError where the disk is full, the lock is not to be had, or the server has gone.
    """
    with _explained(_name(engine.url)), engine.execution_options(writes=True).begin() as connection:
        yield connection


def migration_config(connection: Connection) -> Config:
    """For alembic's commands, to run our migrations on ``connection``, which must be in no transaction."""
    from alembic.config import Config

    config = Config(attributes={"connection": connection, "metadata": Table.metadata})
    # ConfigParser reads % as the start of a variable.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def newest_revision() -> str:
    """The number that the newest migration's file starts with: so alembic need not be imported to know it."""
    return max(path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def without_password(value: str) -> str:
    """``value`` with the password of every URL in it starred out."""
    value = re.sub(r"(?<=://)([^:/@\s]*):\S*@", r"\1:***@", value)
    return re.sub(r"(?i)([?&](?:password|passwd|token|secret|sslpassword)=)[^&\s]*", r"\1***", value)


def _url(where: str | Path) -> URL:
    if not str(where):
        raise DatabaseError("no database was named: give a path, such as extractor.db, or a SQLAlchemy URL")
    if "://" not in str(where):
        return URL.create("sqlite", database=str(where))
    try:
        return make_url(str(where))
    except (exc.ArgumentError, ValueError) as error:
        raise DatabaseError(
            f"{without_password(str(where))} is no database URL: write dialect://user@host/name, "
            "or the path of a SQLite file"
        ) from error


def _name(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return url.database or "sqlite://"
    return without_password(url.render_as_string(hide_password=True))


def _engine(url: URL, name: str) -> Engine:
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise DatabaseError(f"{name}: only SQLite and PostgreSQL are supported, not {url.get_backend_name()}")
    try:
        engine = create_engine(url, json_serializer=partial(json.dumps, ensure_ascii=False))
    except (exc.NoSuchModuleError, ModuleNotFoundError) as error:
        raise DatabaseError(f"{name}: its driver is not installed ({error}): pip install it") from error
    except exc.ArgumentError as error:
        raise DatabaseError(f"{name}: {_first_line(error)}: mend the URL") from error
    if engine.dialect.name == "sqlite":
        _check_place(url.database)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _check_place(database: str | None) -> None:
    """SQLite says no more than "unable to open database file"."""
    if not database or database == ":memory:" or database.startswith("file:"):
        return
    path = Path(database)
    folder = path.resolve().parent
    if path.is_dir():
        raise DatabaseError(f"{path} is a folder: name a file in it, such as {path / 'extractor.db'}")
    if not folder.is_dir():
        raise DatabaseError(f"{path}: the folder {folder} does not exist: make it or name another database")
    # SQLite writes two files beside the database, even to read.
    for place in [folder, path] if path.exists() else [folder]:
        if not os.access(place, os.R_OK | os.W_OK):
            raise DatabaseError(f"{path}: {place} is read-only: change its permissions or name another database")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver begins transactions late and never before DDL: we begin them ourselves (see _begin_sqlite).
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {LOCK_TIMEOUT * 1000}")
    connection.execute("PRAGMA foreign_keys = ON")
    # With WAL a killed program loses no commit, a power cut at most the last ones; neither breaks the file.
    connection.execute("PRAGMA synchronous = NORMAL")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _turn_on_wal(engine: Engine) -> None:
    """Kept in the file. Not for every connection: to change it needs the file for oneself."""
    with engine.connect() as connection:
        driver: Any = connection.connection
        if driver.execute("PRAGMA journal_mode").fetchone()[0] == "delete":
            driver.execute("PRAGMA journal_mode = WAL")


def _bring_up_to_date(engine: Engine, name: str) -> None:
    newest = newest_revision()
    with engine.connect() as connection:
        current = _revision(connection, name)
    if current == newest:
        return
    if current is not None and not _is_known(current):
        raise DatabaseError(
            f"{name} is at schema {current}, this program knows them up to {newest}: "
            "install a newer extractor or name another database"
        )
    from alembic import command

    with engine.connect().execution_options(writes=True) as connection:
        command.upgrade(migration_config(connection), "head")


def _revision(connection: Connection, name: str) -> str | None:
    tables = set(inspect(connection).get_table_names())
    if "alembic_version" in tables:
        revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return revision
    if taken := sorted(tables & set(Table.metadata.tables)):
        raise DatabaseError(f"{name} holds another program's tables ({', '.join(taken)}): name another database")
    return None


def _is_known(revision: str) -> bool:
    return any((MIGRATIONS / "versions").glob(f"{revision}_*.py"))


@contextmanager
def _explained(name: str) -> Iterator[None]:
    try:
        yield
    except exc.IntegrityError:
        raise
    except exc.OperationalError as error:
        raise DatabaseError(f"{name}: {_first_line(error)}: {_mend(error)}") from error
    except exc.DatabaseError as error:
        if "not a database" not in str(error) and "malformed" not in str(error):
            raise
        raise DatabaseError(f"{name} is not a SQLite database: name another file") from error


def _mend(error: exc.DBAPIError) -> str:
    reason = str(error.orig)
    if "locked" in reason:
        return f"another program has been writing for {LOCK_TIMEOUT} seconds: wait for it or stop it"
    if "full" in reason:
        return "make room on the disk and run again, it goes on where it stopped"
    return "see that the place can be written and, for a server, that it runs and lets you in"


def _first_line(error: Exception) -> str:
    reason = getattr(error, "orig", None) or error
    return without_password(str(reason).strip().split("\n")[0])
