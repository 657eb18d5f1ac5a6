"""Files of many articles: JSON Lines, JSON, CSV and Parquet, a record at a time."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, BinaryIO

from extractor.document import BROKEN, Document, ReadOptions, Unreadable, UnreadableError, is_storable

Records = Iterator[Document | Unreadable]


@dataclass(frozen=True, slots=True)
class Source:
    """A file of records; ``stem`` names those that have no id, ``unit`` says what they are counted in."""

    path: str
    stem: str
    unit: str = "row"

    def unreadable(self, number: int, reason: str) -> Unreadable:
        return Unreadable(self.path, f"{self.unit} {number}", reason)


def json_lines(blocks: Iterable[str], source: Source, options: ReadOptions) -> Records:
    """One object a line. Lines end at ``\\n`` only: articles hold U+2028 and the like."""
    for number, line in enumerate(_lines(blocks, options.max_bytes), 1):
        if line is None:
            yield source.unreadable(number, _too_long(options))
        elif line := line.strip("\ufeff \t\r\n"):
            try:
                record = _parsed(line)
            except UnreadableError as error:
                yield source.unreadable(number, str(error))
            else:
                yield _document(record, source, number, options)


def json_records(text: str, source: Source, options: ReadOptions) -> Records:
    """A list of objects, or one object. Raises UnreadableError where it is no JSON."""
    value = _parsed(text)
    for number, record in enumerate(value if isinstance(value, list) else [value], 1):
        yield _document(record, source, number, options)


def csv_records(blocks: Iterable[str], source: Source, options: ReadOptions) -> Records:
    """The first row names the columns; they are parted by what it holds most of: comma, semicolon or tab.

    Raises UnreadableError where no column holds the text.
    """
    # The limit is the whole process's and too low for articles; _CsvLines keeps fields below this one.
    csv.field_size_limit(max(csv.field_size_limit(), 2 * options.max_bytes))
    pieces = _pieces(blocks, options.max_bytes)
    first = next(pieces, "")
    delimiter = max(",;\t", key=first.count)
    lines = _CsvLines(chain([first], pieces), options.max_bytes, delimiter)
    header: list[str] = []
    number = 0
    for row in _csv_rows(lines, delimiter):
        if isinstance(row, csv.Error):
            number += 1
            yield source.unreadable(number, _NOT_CSV)
        elif not header:
            header = [name.strip() for name in row]
            _require(options.text_column, header)
        else:
            number += 1
            if lines.too_long:
                yield source.unreadable(number, _too_long(options))
            elif len(row) > len(header):
                reason = f"has {len(row)} fields for {len(header)} columns; quote fields that hold {delimiter!r}"
                yield source.unreadable(number, reason)
            else:
                yield _document(dict(zip(header, row, strict=False)), source, number, options)


def parquet_records(file: BinaryIO, source: Source, options: ReadOptions) -> Records:
    """Row by row, in small batches. Raises UnreadableError where it is damaged or holds no such column."""
    import pyarrow as pa  # slow to import
    import pyarrow.parquet as pq

    number = 0
    try:
        table = pq.ParquetFile(file, buffer_size=1 << 20)
        names = table.schema_arrow.names
        _require(options.text_column, names)
        wanted = {options.text_column, options.id_column, options.title_column}
        columns = [name for name in names if name in wanted]
        for batch in table.iter_batches(64, columns=columns, use_threads=False):
            for index in range(batch.num_rows):
                number += 1
                try:
                    record = {name: batch.column(name)[index].as_py() for name in columns}
                except UnicodeDecodeError:
                    yield source.unreadable(number, BROKEN)
                else:
                    yield _document(record, source, number, options)
    except (pa.ArrowException, OSError) as error:
        message = str(error).partition("\n")[0]
        raise UnreadableError(f"is no Parquet after row {number} ({message}); write it again") from error


_NOT_CSV = "is not CSV (a bare carriage return, or a quote that nothing closes); put such fields in quotes"
_KINDS = {dict: "an object", list: "a list", str: "a string", bool: "a truth value", type(None): "nothing"}


def _document(record: Any, source: Source, number: int, options: ReadOptions) -> Document | Unreadable:
    if not isinstance(record, dict):
        return source.unreadable(number, f"is {_kind(record)}, not an object with a text")
    identity = _identity(record.get(options.id_column))
    title = record.get(options.title_column)
    title = title if isinstance(title, str) and title.strip() else None
    if not (is_storable(identity or "") and is_storable(title or "")):
        return source.unreadable(number, BROKEN)
    try:
        text = _text(record, options)
    except UnreadableError as error:
        return Unreadable(source.path, identity or f"{source.unit} {number}", str(error))
    return Document(identity or f"{source.stem}:{number}", text, source.path, title)


def _identity(given: object) -> str | None:
    """None for no id; numbers count, and 12.0 is 12: a column of ids with gaps comes as floating point."""
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    return (str(given).strip() or None) if isinstance(given, str | int) else None


def _text(record: dict[str, Any], options: ReadOptions) -> str:
    _require(options.text_column, list(record))
    text = record[options.text_column]
    if not isinstance(text, str):
        raise UnreadableError(f'has {_kind(text)} as "{options.text_column}", not text')
    if len(text) > options.max_bytes:
        raise UnreadableError(_too_long(options))
    if not is_storable(text):
        raise UnreadableError(BROKEN)
    return text


def _require(column: str, columns: Sequence[str]) -> None:
    if column not in columns:
        found = ", ".join(f'"{name[:40]}"' for name in columns[:8]) or "nothing"
        printable = found.encode("utf-8", "backslashreplace").decode()
        raise UnreadableError(f'has no "{column}", only {printable}; name the column of the text')


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "a number" if isinstance(value, int | float) else f"a {type(value).__name__}")


def _too_long(options: ReadOptions) -> str:
    return f"is longer than {options.max_bytes / 1e6:g} MB; split it into articles"


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise UnreadableError("is nested too deeply for a record") from error
    except ValueError as error:
        raise UnreadableError(f"is not JSON: {error}") from error


def _pieces(blocks: Iterable[str], limit: int) -> Iterator[str]:
    """Lines with their ``\\n``; a line that is longer than ``limit`` characters comes in several pieces."""
    parts: list[str] = []
    size = 0
    for block in blocks:
        *ends, rest = block.split("\n")
        for end in ends:
            yield "".join((*parts, end, "\n"))
            parts.clear()
            size = 0
        parts.append(rest)
        size += len(rest)
        if size > limit:
            yield "".join(parts)
            parts.clear()
            size = 0
    if size:
        yield "".join(parts)


def _lines(blocks: Iterable[str], limit: int) -> Iterator[str | None]:
    """Lines; None in the place of one that is longer than ``limit`` characters."""
    pieces = _pieces(blocks, limit)
    for piece in pieces:
        if len(piece) <= limit:
            yield piece
            continue
        while not piece.endswith("\n") and (piece := next(pieces, "\n")):
            pass
        yield None


class _CsvLines:
    """Feeds csv.reader, and keeps a record that grows beyond ``limit`` characters small.

    From there on, every run of characters that do not matter for the structure becomes one: the reader still
    finds the record's end where it truly is, and memory stays bounded even where a quote is never closed.
    """

    def __init__(self, pieces: Iterator[str], limit: int, delimiter: str) -> None:
        self._pieces = pieces
        self._limit = limit
        self._plain = re.compile(f'[^"\r\n{delimiter}]+')
        self._size = 0
        self._in_line = False

    @property
    def too_long(self) -> bool:
        return self._size > self._limit

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        piece = next(self._pieces)
        while piece.endswith('"') and (more := next(self._pieces, "")):
            piece += more  # two quotes that stand for one stay together
        self._in_line = not piece.endswith("\n")
        self._size += len(piece)
        return self._plain.sub("x", piece) if self.too_long else piece

    def begin_record(self) -> None:
        """Skips what is left of the line, so that the pieces of one long unquoted field are one record."""
        while self._in_line and (piece := next(self._pieces, "")):
            self._in_line = not piece.endswith("\n")
        self._size = 0


def _csv_rows(lines: _CsvLines, delimiter: str) -> Iterator[list[str] | csv.Error]:
    rows = csv.reader(lines, delimiter=delimiter)
    while True:
        lines.begin_record()
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield error
        else:
            if any(row):
                yield row
