"""`extractor retrain` on newly accepted articles: time, peak memory, verdict; killed at random moments, what is left.

python -m benchmarks.retraining ANNOTATED.jsonl [MORE.jsonl] --articles 150 [--kills 10] [--epochs 1 …]

Annotated articles stand for what reviewers accepted of the starter's predictions. Options that are not
known here go to `extractor retrain`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from rich.console import Console

from extractor.checkpoint_folder import starter_checkpoint
from extractor.gold import read_gold
from models.engine import open_database
from tests.retraining import accept

SAY = Console(highlight=False, soft_wrap=True)
PROGRAM = Path(sys.executable).parent / "extractor"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("annotated", type=Path, nargs="+")
    parser.add_argument("--articles", type=int, default=150)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--longest", type=float, default=60, help="Seconds after which a kill comes at the latest.")
    parser.add_argument("--seed", type=int, default=1)
    options, passed_on = parser.parse_known_args()
    given = (article for path in options.annotated for article in read_gold(path))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = folder / "extractor.db"
        accept(open_database(database), list(islice(given, options.articles)), checkpoint=starter_checkpoint())
        least = str(min(50, options.articles))
        command = [str(PROGRAM), "retrain", "--json", "--database", str(database), "--min-articles", least]
        command += passed_on
        chance = random.Random(options.seed)
        for number in range(options.kills):
            seconds = chance.uniform(0, options.longest)
            SAY.print(f"kill {number + 1} after {seconds:.1f} s: {_killed(command, seconds)}")
        _finish(command)
        _say_state(database)


def _killed(command: list[str], seconds: float) -> str:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return "killed"
    return f"had ended with status {process.returncode}"


def _finish(command: list[str]) -> None:
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8")
    assert process.stdout is not None
    said = json.loads(process.stdout.read())
    _, status, usage = os.wait4(process.pid, 0)
    minutes, peak = (time.monotonic() - began) / 60, usage.ru_maxrss / 1024
    SAY.print(f"{minutes:.1f} minutes, peak {peak:,.0f} MiB, exit status {os.waitstatus_to_exitcode(status)}")
    SAY.print(said.get("verdict", said))


def _say_state(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        integrity = connection.execute("PRAGMA integrity_check").fetchone()[0]
        strays = len(connection.execute("PRAGMA foreign_key_check").fetchall())
        states = connection.execute("SELECT state, count(*) FROM retrainings GROUP BY state").fetchall()
        promotions = connection.execute("SELECT count(*) FROM promotions").fetchone()[0]
    folders = sorted(path.name for path in (database.parent / "checkpoints").iterdir())
    SAY.print(f"integrity {integrity}, {strays} dangling rows, retrainings {dict(states)}")
    SAY.print(f"{promotions} promotions; folders {folders}")


if __name__ == "__main__":
    main()
