"""Core types to rows and back: pure functions, the database is in store.py."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from extractor.annotation import Annotation, quotation_id
from extractor.document import Document
from extractor.quotation import Quotation, QuotationType, Role, Span, Speaker
from models.engine import without_password

Row = dict[str, Any]
"""Column names to values."""


class SpanLike(Protocol):
    """What is read of a row of `spans`."""

    role: Role
    repeat: int
    start: int
    end: int


def sighting_row(article_id: int, document: Document) -> Row:
    return {
        "article_id": article_id,
        "document_id": printable(document.id),
        "path": printable(document.path or ""),
        "title": document.title if document.title is None else printable(document.title),
    }


def speaker_rows(annotation_id: int, annotation: Annotation) -> dict[Speaker, Row]:
    """One row a speaker, however many quotations share it, in the order of the quotations."""
    speakers = (who for quotation in annotation.quotations for who in (quotation.speaker, quotation.via) if who)
    return {
        speaker: {
            "annotation_id": annotation_id,
            "name": speaker.name,
            "kind": speaker.kind,
            "mentions": list(speaker.mentions),
        }
        for speaker in speakers
    }


def quotation_rows(
    annotation_id: int, annotation: Annotation, speaker_ids: Mapping[Speaker, int]
) -> Iterator[tuple[Quotation, Row]]:
    for position, quotation in enumerate(annotation.quotations):
        yield (
            quotation,
            {
                "annotation_id": annotation_id,
                "position": position,
                "public_id": quotation_id(annotation.document, quotation),
                "type": quotation.type,
                "confidence": quotation.confidence,
                "speaker_id": speaker_ids[quotation.speaker] if quotation.speaker else None,
                "via_id": speaker_ids[quotation.via] if quotation.via else None,
            },
        )


def span_rows(quotation_id: int, quotation: Quotation, raw: str) -> Iterator[Row]:
    for role, repeat, part, span in _placed(quotation):
        yield {
            "quotation_id": quotation_id,
            "role": role,
            "repeat": repeat,
            "part": part,
            "start": span.start,
            "end": span.end,
            "text": span.of(raw),
        }


def review_task_row(article_id: int, annotation_id: int, annotation: Annotation) -> Row:
    surest = min((quotation.confidence for quotation in annotation.quotations), default=1.0)
    return {"article_id": article_id, "annotation_id": annotation_id, "uncertainty": 1.0 - surest}


def quotation_of(
    kind: QuotationType,
    confidence: float,
    spans: Sequence[SpanLike],
    speaker: Speaker | None,
    via: Speaker | None,
) -> Quotation:
    """``spans`` in the order of their parts."""

    def places(role: Role, repeat: int = 0) -> tuple[Span, ...]:
        return tuple(Span(row.start, row.end) for row in spans if (row.role, row.repeat) == (role, repeat))

    cue, source = places(Role.CUE), places(Role.SOURCE)
    last = max(row.repeat for row in spans)
    return Quotation(
        type=kind,
        content=places(Role.CONTENT),
        cue=cue[0] if cue else None,
        source=source[0] if source else None,
        speaker=speaker,
        via=via,
        confidence=confidence,
        repeats=tuple(places(Role.CONTENT, repeat) for repeat in range(1, last + 1)),
    )


def check_spans(annotation: Annotation) -> None:
    """Raises ValueError where a span ends outside the text."""
    length = len(annotation.document.raw)
    for quotation in annotation.quotations:
        for _, _, _, span in _placed(quotation):
            if span.end > length:
                document = annotation.document
                raise ValueError(f"{document.path or document.id}: {span} ends outside the text ({length})")


def printable(value: str) -> str:
    r"""A name as a database can keep it: a byte of a file name in another encoding becomes \udc…."""
    return value.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", r"\x00")


def arguments_row(arguments: Mapping[str, object]) -> Row:
    """For people to read: JSON values, secrets starred out."""
    return {name: "***" if _is_secret(name) else _readable(value) for name, value in arguments.items()}


def _placed(quotation: Quotation) -> Iterator[tuple[Role, int, int, Span]]:
    """Every span with its role, the number of its place, and the number of its part."""
    for repeat, content in enumerate((quotation.content, *quotation.repeats)):
        yield from ((Role.CONTENT, repeat, part, span) for part, span in enumerate(content))
    if quotation.cue:
        yield Role.CUE, 0, 0, quotation.cue
    if quotation.source:
        yield Role.SOURCE, 0, 0, quotation.source


def _is_secret(name: str) -> bool:
    return re.search("(?i)password|secret|token|api_?key", name) is not None


def _readable(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | Path):
        return [_readable(item) for item in value]
    return printable(without_password(str(value)))
