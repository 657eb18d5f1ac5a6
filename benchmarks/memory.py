"""Peak memory and pace of `extractor run` as the input grows.

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
    table = Table("articles", "seconds", "articles/s", "peak MiB", "database MiB")
    for number in options.articles:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write(folder / "articles.jsonl", number)
            seconds, peak = _run(folder, options.checkpoint)
            size = (folder / "queue.db").stat().st_size / 2**20
        table.add_row(f"{number:,}", f"{seconds:.1f}", f"{number / seconds:.1f}", f"{peak:.0f}", f"{size:.1f}")
    Console().print(table)


def _run(folder: Path, checkpoint: str | None) -> tuple[float, float]:
    """Wall seconds and peak resident MiB of one run in a process of its own."""
    command = [str(Path(sys.executable).parent / "extractor"), "run", str(folder / "articles.jsonl")]
    command += ["--database", str(folder / "queue.db"), "--output", str(folder / "out.jsonl")]
    command += ["--checkpoint", checkpoint] if checkpoint else []
    began = time.monotonic()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"extractor run ended with status {status}")
    return time.monotonic() - began, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
