from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from models.engine import DatabaseError, open_database, without_password, writing
from models.store import Store
from tests.saving import annotation, start


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(tmp_path / "extractor.db")
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: Engine) -> Store:
    return Store(engine)


def test_sqlite_is_set_up(engine: Engine) -> None:
    with engine.connect() as connection:
        pragmas = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 1, "busy_timeout": 60_000}


def test_a_name_may_hold_what_a_url_may_not(tmp_path: Path) -> None:
    name = tmp_path / "أخبار 100%?#.db"
    Store(open_database(name)).totals()
    assert name.exists()


def test_places_that_will_not_do(tmp_path: Path) -> None:
    places: list[tuple[str | Path, str]] = [
        (tmp_path, "is a folder"),
        (tmp_path / "nowhere" / "x.db", "nowhere does not exist: make it"),
        ("", "no database was named"),
        ("://", "is no database URL"),
        ("mysql://u:hunter2@h/x", "only SQLite and PostgreSQL"),
        ("postgresql+nonsense://u:hunter2@h/x", "its driver is not installed"),
    ]
    for where, message in places:
        with pytest.raises(DatabaseError, match=message) as caught:
            open_database(where)
        assert "\n" not in str(caught.value)
        assert "hunter2" not in str(caught.value)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "news.txt"
    path.write_text("قال الوزير إن العمل مستمر\n" * 100)
    with pytest.raises(DatabaseError, match=r"news\.txt is not a SQLite database"):
        open_database(path)
    assert path.read_text().startswith("قال")


def test_a_folder_that_cannot_be_written() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        with _as_nobody(), pytest.raises(DatabaseError, match="is read-only: change its permissions"):
            open_database(folder / "x.db")
        folder.chmod(0o755)
        open_database(folder / "x.db").dispose()
        (folder / "x.db").chmod(0o444)
        folder.chmod(0o777)
        with _as_nobody(), pytest.raises(DatabaseError, match=r"x\.db is read-only"):
            open_database(folder / "x.db")
        folder.chmod(0o755)


def test_another_programs_database(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE articles (id)")
    with pytest.raises(DatabaseError, match=r"another program's tables \(articles\)"):
        open_database(path)


def test_a_locked_database_says_so(store: Store, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    run = start(store)
    monkeypatch.setattr("models.engine.LOCK_TIMEOUT", 0)
    impatient = Store(open_database(str(engine.url.database)))
    with writing(engine), pytest.raises(DatabaseError, match="locked: another program has been writing"):
        impatient.save(run, [annotation(1)])
    assert impatient.save(run, [annotation(1)]) == 1


def test_readers_are_not_kept_waiting(store: Store, engine: Engine) -> None:
    with writing(engine):
        assert store.totals().articles == 0


def test_passwords_are_starred_out() -> None:
    assert without_password("postgresql://u:p@ss@h/x") == "postgresql://u:***@h/x"
    assert without_password("see postgresql+psycopg://u:p@h/x, then wait") == (
        "see postgresql+psycopg://u:***@h/x, then wait"
    )
    assert without_password("postgresql://h/x?user=u&password=p&a=b") == "postgresql://h/x?user=u&password=***&a=b"
    assert without_password("https://example.org/a") == "https://example.org/a"


@contextmanager
def _as_nobody() -> Iterator[None]:
    """For the superuser may write anywhere."""
    if os.getuid() != 0:
        yield
        return
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
