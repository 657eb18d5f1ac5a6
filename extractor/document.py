"""Documents: what was read, as it was read, and what could not be read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Document:
    """One article as read: ``raw`` is the text once decoded, before cleaning; all offsets point into it."""

    id: str
    raw: str
    path: str | None = None
    title: str | None = None

    @property
    def sha256(self) -> str:
        """Of the raw text in UTF-8; lone surrogates, which some files hold, count as themselves."""
        return hashlib.sha256(self.raw.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def outlet(self) -> str:
        return outlet_of(self.path)


def outlet_of(path: str | None) -> str:
    """Who published what lies there: the name of its folder. Empty where the text came from no file, or no folder."""
    return Path(path).parent.name if path else ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An input, or one record of it, that gave no document; ``str()`` of it is one line.

    ``record`` is the record's id, or else its line or row; ``reason`` says what is wrong and what to do.
    """

    path: str
    record: str | None
    reason: str

    def __str__(self) -> str:
        place = self.path if self.record is None else f"{self.path}, {self.record}"
        return "".join(char if char.isprintable() else " " for char in f"{place}: {self.reason}")


BROKEN = "holds broken characters (invalid UTF-8 or half a surrogate pair); save it again as valid UTF-8"


def is_storable(text: str) -> bool:
    """False where it holds half a surrogate pair, which neither UTF-8 nor a database takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class UnreadableError(ValueError):
    """Raised while one input is read; its message is the reason of an ``Unreadable``."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """``max_bytes`` bounds one article: a file of one article, or a line or a field of a larger file."""

    text_column: str = "text"
    id_column: str = "id"
    title_column: str = "title"
    max_bytes: int = 20_000_000
