"""The words of the field as types: a quotation is content, cue, source and speaker.

Offsets are Python code points into the raw text of a document, as read and before any cleaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a span does in its quotation."""

    CONTENT = "content"
    CUE = "cue"
    SOURCE = "source"


class QuotationType(StrEnum):
    DIRECT = "direct"
    INDIRECT = "indirect"
    MIXED = "mixed"


class SpeakerKind(StrEnum):
    PERSON = "person"
    GROUP = "group"
    ORGANIZATION = "organization"
    DOCUMENT = "document"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open: ``raw[start:end]``. Raises ValueError where it is empty or negative."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"not a span: [{self.start}, {self.end})")

    def of(self, raw: str) -> str:
        return raw[self.start : self.end]

    def shifted(self, by: int) -> Span:
        return Span(self.start + by, self.end + by)

    def overlaps(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who it is, within one article: the fullest name, and every wording that names them."""

    name: str
    kind: SpeakerKind
    mentions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quotation:
    """One attribution. ``repeats`` are the other places of its content where a page holds the paragraph again."""

    type: QuotationType
    content: tuple[Span, ...]
    cue: Span | None = None
    source: Span | None = None
    speaker: Speaker | None = None
    via: Speaker | None = None
    confidence: float = 1.0
    repeats: tuple[tuple[Span, ...], ...] = ()

    def __post_init__(self) -> None:
        if not self.content:
            raise ValueError("a quotation has at least one content span")
