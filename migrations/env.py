"""Run by alembic for every command; the connection comes from whoever opened the database.

A new step is the next file in versions/, from script.py.mako, its number in its name, written by hand.
"""

from __future__ import annotations

from typing import Any

from alembic import context
from sqlalchemy import Connection


def migrate(connection: Connection) -> None:
    """All steps in one transaction, so that a killed upgrade leaves the old schema whole.

    Raises RuntimeError, and changes nothing, where a row would point nowhere afterwards.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    driver: Any = connection.connection
    if is_sqlite:
        # Batch changes drop and rename tables: with foreign keys on, ON DELETE CASCADE empties the children.
        driver.execute("PRAGMA foreign_keys = OFF")
    try:
        with connection.begin():
            if not is_sqlite:
                # SQLite's write lock already makes the second of two programs wait.
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7165728013)")
            context.configure(
                connection=connection,
                target_metadata=context.config.attributes.get("metadata"),
                render_as_batch=True,
                transactional_ddl=True,
            )
            context.run_migrations()
            if is_sqlite and (astray := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()):
                raise RuntimeError(f"{len(astray)} rows would point nowhere, the first: {astray[0]}")
    finally:
        if is_sqlite:
            driver.execute("PRAGMA foreign_keys = ON")


migrate(context.config.attributes["connection"])
