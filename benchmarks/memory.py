"""Peak memory and pace of `extractor run` as the input grows, with the queue and without.

python -m benchmarks.memory 1000 10000 [--checkpoint FOLDER]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.articles import write


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("articles", type=int, nargs="+")
    parser.add_argument("--checkpoint")
    options = parser.parse_args()
    table = Table("articles", "queue", "seconds", "articles/s", "peak MiB", "database MiB")
    for number in options.articles:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write(folder / "articles.jsonl", number)
            for queue in (True, False):
                seconds, peak = _run(folder, options.checkpoint, queue=queue)
                size = f"{(folder / 'queue.db').stat().st_size / 2**20:.1f}" if queue else ""
                pace = f"{number / seconds:.1f}"
                table.add_row(f"{number:,}", "yes" if queue else "no", f"{seconds:.1f}", pace, f"{peak:.0f}", size)
    Console().print(table)


def _run(folder: Path, checkpoint: str | None, *, queue: bool) -> tuple[float, float]:
    """Wall seconds and peak resident MiB of one run in a process of its own."""
    command = [str(Path(sys.executable).parent / "extractor"), "run", str(folder / "articles.jsonl")]
    command += ["--output", str(folder / "out.jsonl")]
    command += ["--database", str(folder / "queue.db")] if queue else ["--no-queue"]
    command += ["--checkpoint", checkpoint] if checkpoint else []
    began = time.monotonic()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"extractor run ended with status {status}")
    return time.monotonic() - began, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
