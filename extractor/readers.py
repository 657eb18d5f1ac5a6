"""Readers: files, folders, patterns and standard input become documents, one at a time.

No more than one article is held in memory (of Parquet, a small batch). What cannot be read comes out as
``Unreadable`` in its place among the documents, and the reading goes on.
"""

from __future__ import annotations

import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from extractor.document import BROKEN, Document, ReadOptions, Unreadable, UnreadableError, is_storable
from extractor.encoding import decode, decode_page, decoded_blocks
from extractor.inputs import find_files, name_of
from extractor.records import Source, csv_records, json_lines, json_records, parquet_records

Read = Iterator[Document | Unreadable]

_DEFAULTS = ReadOptions()
# The time that trafilatura takes grows with the square of these; news pages stay far below.
_MOST_TAGS = 30_000
_MANY_ATTRIBUTES = re.compile("<[a-zA-Z](?:[^<>=]*=){1000}")
_WORD = re.compile(r"\w")


def read_documents(inputs: Iterable[str | Path] | str | Path, options: ReadOptions = _DEFAULTS) -> Read:
    """The articles of files, folders, patterns (``*``, ``**``) and standard input (``-``), in this order.

    ``id`` is the record's own or the file's stem; a record without one is named by both stem and line or row:
    ``news:12``. Two articles may have the same id. Never raises for what it reads.
    """
    for given in [inputs] if isinstance(inputs, str | Path) else inputs:
        if given == "-":
            yield from _articles("-", _read_standard_input(options))
            continue
        for found in find_files(given, _READERS):
            if isinstance(found, Unreadable):
                yield found
            else:
                read = _READERS[found.suffix.lower()]
                yield from _articles(name_of(found), read(found, options))


def _articles(path: str, items: Read) -> Read:
    """What a reader gives; its errors, and texts without a word, as Unreadable."""
    empty = True
    try:
        for item in items:
            empty = False
            if isinstance(item, Document) and not _WORD.search(item.raw):
                yield Unreadable(path, item.id, "holds no words; nothing to do")
            else:
                yield item
    except UnreadableError as error:
        yield Unreadable(path, None, str(error))
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error}); check the path and permissions"
        yield Unreadable(path, None, reason)
    else:
        if empty:
            yield Unreadable(path, None, "is empty; nothing to do")


def _read_text(path: Path, options: ReadOptions) -> Read:
    yield Document(_stem(path), decode(_whole(path, options)), name_of(path))


def _read_page(path: Path, options: ReadOptions) -> Read:
    """``raw`` is the page's title, a newline and its article, as trafilatura extracts them, the title once.

    Offsets point into that, not into the page.
    """
    page = decode_page(_whole(path, options))
    if page.count("<") > _MOST_TAGS or _MANY_ATTRIBUTES.search(page):
        raise UnreadableError("has too many tags for an article; save its text as .txt")
    title, body = _extracted(page)
    if not body:
        raise UnreadableError("holds no article that could be found; save its text as .txt")
    raw = body if title is None or body.startswith(title) else f"{title}\n{body}"
    yield Document(_stem(path), raw, name_of(path), title)


def _extracted(page: str) -> tuple[str | None, str | None]:
    import trafilatura  # slow to import

    try:
        article = trafilatura.bare_extraction(page, with_metadata=True, include_comments=False)
    except Exception as error:  # foreign code, on any page of the web
        raise UnreadableError(f"cannot be parsed ({error!r}); save its text as .txt") from error
    if article is None or isinstance(article, dict):
        return None, None
    return article.title, article.text


def _read_json_lines(path: Path, options: ReadOptions) -> Read:
    with _opened(path) as file:
        yield from json_lines(decoded_blocks(file), Source(name_of(path), _stem(path), "line"), options)


def _read_json(path: Path, options: ReadOptions) -> Read:
    text = decode(_whole(path, options))
    yield from json_records(text, Source(name_of(path), _stem(path), "record"), options)


def _read_csv(path: Path, options: ReadOptions) -> Read:
    with _opened(path) as file:
        yield from csv_records(decoded_blocks(file), Source(name_of(path), _stem(path)), options)


def _read_parquet(path: Path, options: ReadOptions) -> Read:
    with _opened(path) as file:
        yield from parquet_records(file, Source(name_of(path), _stem(path)), options)


def _read_standard_input(options: ReadOptions) -> Read:
    """JSON Lines where the first visible character opens an object, else one article."""
    blocks = decoded_blocks(sys.stdin.buffer)
    head = ""
    while not head.strip() and len(head) <= options.max_bytes and (block := next(blocks, "")):
        head += block
    blocks = chain([head], blocks)
    if head.lstrip().startswith("{"):
        yield from json_lines(blocks, Source("-", "stdin", "line"), options)
    else:
        yield Document("stdin", _joined(blocks, options), "-")


def _joined(blocks: Iterable[str], options: ReadOptions) -> str:
    parts: list[str] = []
    size = 0
    for block in blocks:
        parts.append(block)
        size += len(block)
        if size > options.max_bytes:
            raise UnreadableError(_too_large(options))
    text = "".join(parts)
    if not is_storable(text):
        raise UnreadableError(BROKEN)
    return text


def _whole(path: Path, options: ReadOptions) -> bytes:
    with _opened(path) as file:
        data = file.read(options.max_bytes + 1)
    if len(data) > options.max_bytes:
        raise UnreadableError(_too_large(options))
    if not data:
        raise UnreadableError("is empty; nothing to do")
    return data


def _opened(path: Path) -> BinaryIO:
    """Only regular files: opening a pipe would wait for whoever writes to it."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise UnreadableError("is not a regular file; pipe it in and read -")
    return path.open("rb")


def _too_large(options: ReadOptions) -> str:
    return f"is larger than {options.max_bytes / 1e6:g} MB, too much for one article; make it .jsonl"


def _stem(path: Path) -> str:
    return name_of(Path(path.stem))


_READERS: dict[str, Callable[[Path, ReadOptions], Read]] = {
    ".txt": _read_text,
    ".text": _read_text,
    ".html": _read_page,
    ".htm": _read_page,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".json": _read_json,
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".parquet": _read_parquet,
}
