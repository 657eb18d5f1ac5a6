"""The installed program, run as a user runs it, and what it leaves: JSON Lines and a database."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROGRAM = str(Path(sys.executable).parent / "extractor")
# For matrices of 32 columns, waking threads costs more than the work.
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}

Result = subprocess.CompletedProcess[str]


def extractor(
    *arguments: str | Path, folder: Path | None = None, given: str = "", environment: Mapping[str, str] | None = None
) -> Result:
    """Runs it in ``folder`` to its end; its output is taken by pipes."""
    return subprocess.run(
        [PROGRAM, *map(str, arguments)],
        cwd=folder,
        input=given,
        env={**ENVIRONMENT, **(environment or {})},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def start(*arguments: str | Path, folder: Path) -> subprocess.Popen[str]:
    """Runs it in ``folder``, to be stopped."""
    return subprocess.Popen(
        [PROGRAM, *map(str, arguments)],
        cwd=folder,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.split("\n") if line]


def spans(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every span of one article's object."""
    found = []
    for quotation in record["quotations"]:
        found += quotation["content"]
        found += [span for place in quotation.get("repeats", []) for span in place]
        found += [span for span in (quotation["cue"], quotation["source"]) if span]
    return found


def rows(database: Path, query: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(database)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def counts(database: Path) -> dict[str, int]:
    tables = ("articles", "sightings", "annotations", "speakers", "quotations", "spans", "review_tasks")
    return {table: rows(database, f"SELECT count(*) FROM {table}")[0][0] for table in tables}


def annotated(database: Path) -> int:
    """0 also where there is no database yet."""
    try:
        return int(rows(database, "SELECT count(*) FROM annotations")[0][0]) if database.exists() else 0
    except sqlite3.OperationalError:
        return 0
