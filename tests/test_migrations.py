from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, inspect, text

from extractor.quotation import Role
from models.checkpoints import Checkpoints
from models.datasets import Dataset, Label
from models.engine import MIGRATIONS, DatabaseError, migration_config, newest_revision, open_database
from models.outbox import Outbox
from models.retrainings import Retrainings
from models.reviews import Review, Reviews, Trouble
from models.store import Store
from models.tables import Origin, Purpose, Table, Verdict, utc_now
from tests.saving import annotation, start

ROOT = Path(__file__).parent.parent
REVISIONS = [path.name.split("_")[0] for path in sorted((MIGRATIONS / "versions").glob("[0-9]*.py"))]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A new database with rows in every table that saving fills."""
    engine = open_database(tmp_path / "extractor.db")
    store = Store(engine)
    run = start(store)
    store.save(run, map(annotation, range(3)))
    store.record_failure(run, "x.txt", None, "empty")
    _save_review(engine)
    _save_retraining(engine)
    yield engine
    engine.dispose()


def test_migrations_make_the_schema_of_the_tables(engine: Engine) -> None:
    created = create_engine("sqlite://")
    Table.metadata.create_all(created)
    with engine.connect() as migrated, created.connect() as wanted:
        assert schema(migrated) == schema(wanted)
        context = MigrationContext.configure(migrated, opts={"compare_type": True})
        assert compare_metadata(context, Table.metadata) == []


def test_the_comparison_sees_the_values_of_an_enum(engine: Engine) -> None:
    with engine.connect() as connection:
        checks = schema(connection)["review_tasks"]["checks"]
    assert checks == [("ck_review_tasks_state", "state IN ('pending', 'pushed', 'reviewed', 'skipped')")]


@pytest.mark.parametrize("revision", REVISIONS)
def test_down_and_up_again_with_rows(engine: Engine, revision: str) -> None:
    with engine.connect() as connection:
        before = schema(connection)
    migrate(engine, "downgrade", revision)
    migrate(engine, "downgrade", "-1")
    migrate(engine, "upgrade", "head")
    with engine.connect() as connection:
        assert schema(connection) == before
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
    store = Store(engine)
    store.save(start(store), [annotation(7)])


def test_the_newest_revision_is_alembics_head() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [newest_revision()] == REVISIONS[-1:]


def test_migrations_import_none_of_our_packages() -> None:
    for path in MIGRATIONS.rglob("*.py"):
        lines = [line.split() for line in path.read_text("utf-8").splitlines() if "import " in line]
        imported = {words[1].split(".")[0] for words in lines if words[0] in ("from", "import")}
        assert not imported & {"extractor", "models", "review", "migrations", "seeds"}, path


def test_a_database_at_the_newest_schema_opens_without_alembic(engine: Engine) -> None:
    program = f"""
        import sys
        from models.engine import open_database
        open_database({str(engine.url.database)!r})
        assert "alembic" not in sys.modules and "torch" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, check=True)


def test_a_database_from_the_future(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseError, match="is at schema 9999, this program knows them up to") as caught:
        open_database(str(engine.url.database))
    assert "\n" not in str(caught.value)


def test_an_upgrade_that_breaks_a_reference_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    scripts = _with_a_step(tmp_path, 'op.execute("DELETE FROM articles WHERE id = 1")')
    with pytest.raises(RuntimeError, match="point nowhere"):
        migrate(engine, "upgrade", "head", scripts)
    store = Store(engine)
    assert store.totals().articles == 3
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == REVISIONS[-1]


def test_rebuilding_a_table_keeps_the_rows_that_point_to_it(engine: Engine, tmp_path: Path) -> None:
    step = """with op.batch_alter_table("articles", recreate="always") as batch:
        batch.alter_column("sha256", existing_type=sa.String(64), type_=sa.String(80))"""
    before = Store(engine).totals()
    migrate(engine, "upgrade", "head", _with_a_step(tmp_path, step))
    assert Store(engine).totals() == before
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM spans")) == 32


def test_the_package_works_from_a_folder_of_its_own(tmp_path: Path) -> None:
    program = "from models.engine import open_database; open_database('new.db')"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "__init__.py").write_text("raise ImportError('somebody else')")
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True)
    with sqlite3.connect(tmp_path / "new.db") as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (REVISIONS[-1],)


def _save_review(engine: Engine) -> None:
    outbox, reviews = Outbox(engine), Reviews(engine)
    outbox.save_project("http://x", 1, Purpose.REVIEW, "<View/>")
    project = outbox.project("http://x", Purpose.REVIEW)
    assert project
    sha256 = annotation(0).document.sha256
    outbox.adopt(project, {sha256: (7, "starter")})
    task = reviews.pushed(project, [sha256])[sha256]
    trouble = Trouble("r", "blank", "only spaces", quarantined=True)
    review = Review(
        task_id=7,
        label_studio_id=1,
        verdict=Verdict.CORRECTED,
        reviewer="a@b.c",
        interface_sha256="0" * 64,
        reviewed_at=utc_now(),
        annotation=annotation(0),
        result=[],
        troubles=[trouble],
        origins={(Role.CONTENT, Origin.UNTOUCHED): 3},
    )
    assert reviews.save([(task, review)]) == [review]
    assert reviews.save([(task, review)]) == []


def _save_retraining(engine: Engine) -> None:
    retrainings = Retrainings(engine)
    label = Label(annotation(0).document.sha256, 4, "0" * 64, "0" * 64, "a@b.c", "2026-01-01T00:00:00+00:00", 1)
    key = retrainings.begin(Dataset((label,), {"examples.jsonl": "0" * 64}), "encoder", 1, {}, parent=False)
    retrainings.fail(key, "no encoder there")
    Checkpoints(engine).promote("starter", "by hand")


def migrate(engine: Engine, verb: str, revision: str, scripts: Path = MIGRATIONS) -> None:
    with engine.connect().execution_options(writes=True) as connection:
        config: Config = migration_config(connection)
        config.set_main_option("script_location", str(scripts))
        getattr(command, verb)(config, revision)


def schema(connection: Connection) -> dict[str, dict[str, Any]]:
    """All that the database itself says of each table, in an order of no meaning."""
    inspector = inspect(connection)
    return {
        table: {
            "columns": [{**column, "type": str(column["type"])} for column in inspector.get_columns(table)],
            "primary key": inspector.get_pk_constraint(table),
            "uniques": sorted(map(str, inspector.get_unique_constraints(table))),
            "foreign keys": sorted(map(str, inspector.get_foreign_keys(table))),
            "indexes": sorted(map(str, inspector.get_indexes(table))),
            "checks": sorted(
                (str(check["name"]), check["sqltext"]) for check in inspector.get_check_constraints(table)
            ),
            "rowid": "WITHOUT ROWID" in _sql(connection, table),
        }
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


def _sql(connection: Connection, table: str) -> str:
    query = text("SELECT sql FROM sqlite_master WHERE name = :table")
    return str(connection.execute(query, {"table": table}).scalar_one())


def _with_a_step(folder: Path, upgrade: str) -> Path:
    """A copy of our migrations with one more after the newest."""
    scripts = folder / "migrations"
    (scripts / "versions").mkdir(parents=True)
    for path in [MIGRATIONS / "env.py", *(MIGRATIONS / "versions").glob("[0-9]*.py")]:
        (scripts / path.relative_to(MIGRATIONS)).write_text(path.read_text("utf-8"), "utf-8")
    step = f'''
import sqlalchemy as sa
from alembic import op

revision = "9000"
down_revision = "{REVISIONS[-1]}"


def upgrade() -> None:
    {upgrade}
'''
    (scripts / "versions" / "9000_step.py").write_text(step, "utf-8")
    return scripts
