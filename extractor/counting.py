"""How many articles an input will give, told cheaply and ahead of reading it: for the time left on a progress bar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from extractor.document import Unreadable
from extractor.inputs import find_files

_ONE_ARTICLE = (".txt", ".text", ".html", ".htm")
_A_LINE_EACH = (".jsonl", ".ndjson")
_A_ROW_EACH = (".csv", ".tsv")
_ALL = (*_ONE_ARTICLE, *_A_LINE_EACH, *_A_ROW_EACH, ".parquet", ".json")
_BLOCK = 1 << 22


def expected(inputs: Iterable[str]) -> int | None:
    """About how many articles; None where only reading can tell (standard input, JSON)."""
    total = 0
    for given in inputs:
        if given == "-":
            return None
        for path in find_files(given, _ALL):
            count = 1 if isinstance(path, Unreadable) else _articles(path)
            if count is None:
                return None
            total += count
    return total


def _articles(path: Path) -> int | None:
    """A file that cannot be read counts as one: reading says what is wrong with it."""
    suffix = path.suffix.lower()
    try:
        if suffix in _ONE_ARTICLE or not path.is_file():  # opening a pipe would wait for its writer
            return 1
        if suffix in _A_LINE_EACH:
            return _lines(path)
        if suffix in _A_ROW_EACH:
            return max(1, _rows(path) - 1)  # the first has the columns' names
        if suffix == ".parquet":
            from pyarrow.parquet import ParquetFile

            with ParquetFile(path) as parquet:
                return int(parquet.metadata.num_rows)
    except (OSError, ValueError):
        return 1
    return None


def _lines(path: Path) -> int:
    lines, last = 0, b"\n"
    for block in _blocks(path):
        lines += block.count(b"\n")
        last = block[-1:]
    return lines + (last != b"\n")


def _rows(path: Path) -> int:
    """Lines that end outside quotes: a field may hold a whole article."""
    rows, quoted, last = 0, False, b"\n"
    for block in _blocks(path):
        for i, part in enumerate(block.split(b'"')):
            quoted ^= i > 0
            rows += 0 if quoted else part.count(b"\n")
        last = block[-1:]
    return rows + (last != b"\n")


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block
