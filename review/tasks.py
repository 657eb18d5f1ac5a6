"""Quotations to Label Studio's JSON: pure functions. The way back is in corrections.py.

In a task a content is a region that carries its type, speaker and relayer; relations lead from it to its cue, its
source and its further parts. What a relation means follows from the regions that it joins: it needs no label.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from extractor.annotation import Annotation, quotation_id
from extractor.quotation import Quotation, Role, Span

LABELS = {Role.CONTENT: "Content", Role.CUE: "Cue", Role.SOURCE: "Source"}
OK, NO_QUOTATIONS, BAD_TEXT = "ok", "no quotations", "bad text"
"""What a reviewer says of the whole article: the choices of ``status`` in interface.xml."""

Result = list[dict[str, Any]]
"""What Label Studio calls a ``result``: regions, what is said of each, and relations between them."""

_LINE_END = re.compile("\r\n?")


@dataclass(frozen=True, slots=True)
class SentRegion:
    """A region as it was sent: of the quotation at ``position``, which ``part`` of its content."""

    id: str
    role: Role
    span: Span
    position: int = 0
    part: int = 0


@dataclass(frozen=True, slots=True)
class Sent:
    """All regions of a prediction, and the quotations that they stand for."""

    regions: Mapping[str, SentRegion] = field(default_factory=dict)
    quotations: tuple[Quotation, ...] = ()


def shown(raw: str) -> str:
    r"""The text that Label Studio gets, as long as ``raw``, so that offsets are the same in both.

    Its page counts line ends as ``\n`` and cannot show NUL.
    """
    lines = _LINE_END.sub(lambda end: " \n" if len(end.group()) == 2 else "\n", raw)
    return lines.replace("\0", "\N{REPLACEMENT CHARACTER}")


def task(annotation: Annotation, *, blind: bool = False) -> dict[str, Any]:
    """What is imported; ``blind``: without what the checkpoint found. ``data.doc_id`` is the article's hash, the key
    by which the task is found again.

    Raises ValueError where a span ends outside the text.
    """
    document = annotation.document
    data = {"text": shown(document.raw), "title": document.title or document.id, "doc_id": document.sha256}
    if blind:
        return {"data": data}
    return {"data": {**data, "checkpoint": annotation.checkpoint}, "predictions": [prediction(annotation)]}


def prediction(annotation: Annotation) -> dict[str, Any]:
    """``result``, ``model_version`` and ``score``, the confidence of the least sure quotation; also what an ML backend
    answers. Raises ValueError where a span ends outside the text.
    """
    least = min((quotation.confidence for quotation in annotation.quotations), default=1.0)
    return {"model_version": annotation.checkpoint, "score": round(least, 4), "result": list(_result(annotation))}


def sent(annotation: Annotation) -> Sent:
    """The regions of ``prediction(annotation)``: equal spans of two quotations' cues, or sources, are one region."""
    regions: dict[str, SentRegion] = {}
    for group in _regions(annotation):
        for region in group:
            regions.setdefault(region.id, region)
    return Sent(regions, annotation.quotations)


def _result(annotation: Annotation) -> Iterator[dict[str, Any]]:
    text = shown(annotation.document.raw)
    yield {**_about("status", "status", "choices"), "value": {"choices": [OK]}}
    done = set()
    for quotation, regions in zip(annotation.quotations, _regions(annotation), strict=True):
        main, *others = regions
        for region in regions:
            if region.span.end > len(text):
                raise ValueError(f"{annotation.document.id}: {region.span} ends outside the text ({len(text)})")
            if region.id not in done:
                done.add(region.id)
                score = {"score": round(quotation.confidence, 4)} if region.role is Role.CONTENT else {}
                value = {**_place(region), "text": region.span.of(text), "labels": [LABELS[region.role]]}
                yield {**_about(region.id, "span", "labels"), **score, "value": value}
        for name, kind, said in _attributes(quotation):
            key = "text" if kind == "textarea" else "choices"
            yield {**_about(main.id, name, kind), "value": {**_place(main), key: [said]}}
        for other in others:
            yield {"type": "relation", "from_id": main.id, "to_id": other.id, "direction": "right"}


def _about(region: str, name: str, kind: str) -> dict[str, Any]:
    return {"id": region, "from_name": name, "to_name": "text", "type": kind}


def _place(region: SentRegion) -> dict[str, Any]:
    return {"start": region.span.start, "end": region.span.end}


def _attributes(quotation: Quotation) -> Iterator[tuple[str, str, str]]:
    yield "type", "choices", quotation.type.value
    for name, speaker in (("speaker", quotation.speaker), ("via", quotation.via)):
        if speaker:
            yield name, "textarea", one_line(speaker.name)
            yield f"{name}_kind", "choices", speaker.kind.value


def _regions(annotation: Annotation) -> list[list[SentRegion]]:
    """Those of each quotation, its main content first."""
    groups = []
    seen: Counter[str] = Counter()
    for position, quotation in enumerate(annotation.quotations):
        key = quotation_id(annotation.document, quotation)
        seen[key] += 1  # two quotations may have the same content and cue
        key = key if seen[key] == 1 else f"{key}-again-{seen[key]}"
        parts = enumerate(quotation.content)
        regions = [SentRegion(f"{key}-{part}", Role.CONTENT, span, position, part) for part, span in parts]
        for role, place in ((Role.CUE, quotation.cue), (Role.SOURCE, quotation.source)):
            if place:
                regions.append(SentRegion(region_id(role, place), role, place, position))
        groups.append(regions)
    return groups


def region_id(role: Role, span: Span) -> str:
    """Of a cue or source, which several quotations may share."""
    return f"{role.value}-{span.start}-{span.end}"


def main_id(region: SentRegion) -> str:
    """Of the content that a part belongs to."""
    return f"{region.id.removesuffix(f'-{region.part}')}-0"


def one_line(name: str) -> str:
    """A name as a text field shows it."""
    return " ".join(name.split())
