"""Quotations as Label Studio has them: regions, relations between them, and what hangs on a region."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from extractor.annotation import Annotation
from extractor.quotation import Quotation, Span

_PLACE = {"from_name": "span", "to_name": "text", "type": "labels"}


def prediction(annotation: Annotation) -> dict[str, Any]:
    """``result``, ``score``, ``model_version``; offsets are code points into the document's raw text.

    The score is that of the least sure quotation, 1 where there is none.
    """
    quotations = annotation.quotations
    return {
        "model_version": annotation.checkpoint,
        "score": round(min((quotation.confidence for quotation in quotations), default=1.0), 4),
        "result": [
            item
            for number, quotation in enumerate(quotations)
            for item in _items(annotation.document.raw, number, quotation)
        ],
    }


def _items(raw: str, number: int, quotation: Quotation) -> Iterator[dict[str, Any]]:
    contents = [f"content-{number}-{part}" for part in range(len(quotation.content))]
    for identity, span in zip(contents, quotation.content, strict=True):
        yield _region(raw, identity, span, "Content", quotation.confidence)
        value = {"start": span.start, "end": span.end, "choices": [quotation.type.value]}
        yield {"id": identity, "from_name": "type", "to_name": "text", "type": "choices", "value": value}
    for identity in contents[1:]:
        yield _relation(contents[0], identity, "continues")
    if quotation.cue:
        yield _region(raw, f"cue-{number}", quotation.cue, "Cue", quotation.confidence)
        yield _relation(contents[0], f"cue-{number}", "cued_by")
    if quotation.source:
        yield _region(raw, f"source-{number}", quotation.source, "Source", quotation.confidence)
        yield _relation(contents[0], f"source-{number}", "said_by")


def _relation(first: str, second: str, label: str) -> dict[str, Any]:
    return {"type": "relation", "from_id": first, "to_id": second, "direction": "right", "labels": [label]}


def _region(raw: str, identity: str, span: Span, label: str, score: float) -> dict[str, Any]:
    value = {"start": span.start, "end": span.end, "text": span.of(raw), "labels": [label]}
    return {**_PLACE, "id": identity, "score": round(score, 4), "value": value}
