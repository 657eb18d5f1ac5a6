"""An annotation is somebody's reading of a document; here it also becomes the JSON that the program writes.

The output contract: one object per article, offsets in code points of the raw text, and the ``text`` of a span is
exactly ``raw[start:end]``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from extractor.document import Document
from extractor.quotation import Quotation, QuotationType, Span, Speaker, SpeakerKind


@dataclass(frozen=True, slots=True)
class Annotation:
    """What one checkpoint (or ``rules``) reads in one document, in the order of the text."""

    document: Document
    checkpoint: str
    quotations: tuple[Quotation, ...]


def quotation_id(document: Document, quotation: Quotation) -> str:
    """Sixteen hexadecimal digits: the same words quoted by the same cue in the same text have the same id."""
    key = document.sha256 + "".join(f":{span.start}-{span.end}" for span in quotation.content)
    if quotation.cue:
        key += f"@{quotation.cue.start}-{quotation.cue.end}"
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def annotation_as_dict(annotation: Annotation, *, with_text: bool = False) -> dict[str, Any]:
    """The object that ``extractor run --format jsonl`` writes; ``with_text`` adds the raw text."""
    document = annotation.document
    record: dict[str, Any] = {
        "id": document.id,
        "path": document.path,
        "sha256": document.sha256,
        "title": document.title,
        "checkpoint": annotation.checkpoint,
        "quotations": [quotation_as_dict(document, quotation) for quotation in annotation.quotations],
    }
    if with_text:
        record["text"] = document.raw
    return record


def quotation_as_dict(document: Document, quotation: Quotation) -> dict[str, Any]:
    raw = document.raw
    record: dict[str, Any] = {
        "id": quotation_id(document, quotation),
        "type": quotation.type.value,
        "content": [_span(raw, span) for span in quotation.content],
        "cue": _span(raw, quotation.cue) if quotation.cue else None,
        "source": _span(raw, quotation.source) if quotation.source else None,
        "speaker": _speaker(quotation.speaker),
        "via": _speaker(quotation.via),
        "confidence": round(quotation.confidence, 4),
    }
    if quotation.repeats:
        record["repeats"] = [[_span(raw, span) for span in place] for place in quotation.repeats]
    return record


def quotation_from_dict(record: dict[str, Any]) -> Quotation:
    """What ``quotation_as_dict`` wrote. Raises KeyError, TypeError or ValueError where it is something else."""

    def span(item: dict[str, Any] | None) -> Span | None:
        return Span(item["start"], item["end"]) if item else None

    def spans(items: Iterable[dict[str, Any]]) -> tuple[Span, ...]:
        return tuple(Span(item["start"], item["end"]) for item in items)

    def speaker(item: dict[str, Any] | None) -> Speaker | None:
        return Speaker(item["name"], SpeakerKind(item["kind"]), tuple(item["mentions"])) if item else None

    return Quotation(
        type=QuotationType(record["type"]),
        content=spans(record["content"]),
        cue=span(record["cue"]),
        source=span(record["source"]),
        speaker=speaker(record["speaker"]),
        via=speaker(record["via"]),
        confidence=record["confidence"],
        repeats=tuple(spans(place) for place in record.get("repeats", ())),
    )


def _span(raw: str, span: Span) -> dict[str, Any]:
    return {"start": span.start, "end": span.end, "text": span.of(raw)}


def _speaker(speaker: Speaker | None) -> dict[str, Any] | None:
    if speaker is None:
        return None
    return {"name": speaker.name, "kind": speaker.kind.value, "mentions": list(speaker.mentions)}
