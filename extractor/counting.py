"""How many articles an input will give, told cheaply and ahead of reading it: for the time left on a progress bar."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from extractor.document import Unreadable
from extractor.inputs import find_files

_ONE_ARTICLE = (".txt", ".html", ".htm")
_A_LINE_EACH = (".jsonl", ".ndjson", ".csv", ".tsv")
_BLOCK = 1 << 22


def expected(inputs: Iterable[str]) -> int | None:
    """About how many articles; None where only reading can tell (standard input, JSON)."""
    total = 0
    for given in inputs:
        if given == "-":
            return None
        for path in find_files(given, (*_ONE_ARTICLE, *_A_LINE_EACH, ".parquet", ".json")):
            count = 1 if isinstance(path, Unreadable) else _articles(path)
            if count is None:
                return None
            total += count
    return total


def _articles(path: Path) -> int | None:
    suffix = path.suffix.lower()
    try:
        if suffix in _A_LINE_EACH:
            with path.open("rb") as file:
                return sum(block.count(b"\n") for block in iter(lambda: file.read(_BLOCK), b""))
        if suffix == ".parquet":
            from pyarrow.parquet import ParquetFile

            with ParquetFile(path) as parquet:
                return int(parquet.metadata.num_rows)
    except (OSError, ValueError):  # reading will say what is wrong with it
        return 1
    return 1 if suffix in _ONE_ARTICLE else None
