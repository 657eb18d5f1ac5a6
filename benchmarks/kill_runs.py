"""Kills `extractor run` at random moments, starts it again, and counts what was lost or doubled.

python -m benchmarks.kill_runs --kills 20 --articles 500 [--checkpoint FOLDER] [--seed 1]
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.articles import write

TABLES = ("articles", "sightings", "annotations", "speakers", "quotations", "spans", "review_tasks")
_CONTENT = """
    SELECT articles.sha256, quotations.public_id, spans.role, spans.repeat, spans.part, spans.start, spans."end"
    FROM spans JOIN quotations ON quotations.id = spans.quotation_id
    JOIN annotations ON annotations.id = quotations.annotation_id
    JOIN articles ON articles.id = annotations.article_id
"""


def main() -> int:
    options = _options()
    console = Console()
    rng = random.Random(options.seed)
    console.print(f"{options.kills} kills of a run over {options.articles} articles, seed {options.seed}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "articles.jsonl", options.articles)
        began = time.monotonic()
        _run(folder, "whole", options.checkpoint).wait()
        took = time.monotonic() - began
        killed = differing = 0
        while killed < options.kills:
            process = _run(folder, "killed", options.checkpoint)
            try:
                process.wait(rng.uniform(0.2, took / 2))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                killed += 1
                console.print(f"kill {killed}: {_count(folder / 'killed.db', 'annotations')} articles annotated")
            else:
                # It got to the end: a new database, so that every kill interrupts real work.
                differing += _report(console, folder)
                for path in folder.glob("killed.db*"):
                    path.unlink()
        _run(folder, "killed", options.checkpoint).wait()
        return min(1, differing + _report(console, folder))


def _report(console: Console, folder: Path) -> int:
    """Compares the database of the killed run with that of the whole one; the number of differences."""
    table = Table("table", "rows, whole", "rows, killed", "lost or doubled")
    differing = 0
    for name in TABLES:
        whole, killed = _count(folder / "whole.db", name), _count(folder / "killed.db", name)
        differing += abs(whole - killed)
        table.add_row(name, str(whole), str(killed), str(killed - whole))
    console.print(table)
    same_spans = sorted(_query(folder / "whole.db", _CONTENT)) == sorted(_query(folder / "killed.db", _CONTENT))
    sound = _query(folder / "killed.db", "PRAGMA integrity_check") == [("ok",)]
    whole_output, output = (sorted((folder / f"{n}.jsonl").read_text("utf-8").split("\n")) for n in ("whole", "killed"))
    same_output = whole_output == output
    console.print(f"spans alike: {same_spans}; integrity ok: {sound}; output alike: {same_output}")
    return differing + (not same_spans) + (not sound) + (not same_output)


def _run(folder: Path, name: str, checkpoint: str | None) -> subprocess.Popen[bytes]:
    command = [str(Path(sys.executable).parent / "extractor"), "run", str(folder / "articles.jsonl")]
    command += ["--database", str(folder / f"{name}.db"), "--output", str(folder / f"{name}.jsonl")]
    command += ["--checkpoint", checkpoint] if checkpoint else []
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _count(database: Path, table: str) -> int:
    try:
        return int(_query(database, f"SELECT count(*) FROM {table}")[0][0])
    except sqlite3.OperationalError:  # killed before the first migration
        return 0


def _query(database: Path, query: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(database)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--articles", type=int, default=500)
    parser.add_argument("--checkpoint")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
