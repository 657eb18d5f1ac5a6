"""Articles annotated by people: what training learns from and evaluation measures against."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractor.annotation import quotation_from_dict
from extractor.document import Document
from extractor.quotation import Quotation, QuotationType, Span, Speaker, SpeakerKind


@dataclass(frozen=True, slots=True)
class GoldArticle:
    """``repeated``: positions of quotations in the second copy of a paragraph; ``terms``: the text's licence."""

    document: Document
    outlet: str
    quotations: tuple[Quotation, ...]
    repeated: frozenset[int] = frozenset()
    terms: str = ""


def read_gold(path: Path) -> Iterator[GoldArticle]:
    """Reads JSON Lines of ``id, source, text, speakers, statements`` (docs/gold.md), or what the program writes with
    the text in it: `extractor review export --with-text`.

    Raises ValueError with the line's number where a record does not fit.
    """
    # Not splitlines(): it cuts at U+2028 and U+0085, which real articles contain.
    for number, line in enumerate(path.read_text("utf-8").split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield _article(json.loads(line))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}, line {number}: not a gold article: {error!r}") from error


def _article(record: dict[str, Any]) -> GoldArticle:
    if "quotations" in record:
        return _exported(record)
    text = record["text"]
    speakers = {
        entity["id"]: Speaker(entity["name"], SpeakerKind(entity["kind"]), tuple(entity.get("mentions") or ()))
        for entity in record["speakers"]
    }
    quotations = tuple(_quotation(statement, speakers) for statement in record["statements"])
    _check_ends(quotations, text)
    repeated = frozenset(i for i, statement in enumerate(record["statements"]) if statement.get("repeat"))
    document = Document(id=record["id"], raw=text, title=record.get("title"))
    return GoldArticle(document, record.get("source") or "", quotations, repeated, record.get("terms") or "")


def _exported(record: dict[str, Any]) -> GoldArticle:
    if "text" not in record:
        raise ValueError("no text: export it --with-text")
    quotations = tuple(map(quotation_from_dict, record["quotations"]))
    _check_ends(quotations, record["text"])
    document = Document(id=record["id"], raw=record["text"], title=record.get("title"), path=record.get("path"))
    return GoldArticle(document, "", quotations)


def _check_ends(quotations: Iterable[Quotation], text: str) -> None:
    for quotation in quotations:
        spans = [*quotation.content, *(span for span in (quotation.cue, quotation.source) if span)]
        if (end := max(span.end for span in spans)) > len(text):
            raise ValueError(f"a span ends at {end}, the text at {len(text)}")


def _quotation(statement: dict[str, Any], speakers: dict[str, Speaker]) -> Quotation:
    def span(pair: list[int] | None) -> Span | None:
        return Span(*pair) if pair else None

    return Quotation(
        type=QuotationType(statement["type"]),
        content=tuple(Span(start, end) for start, end in statement["content"]),
        cue=span(statement["cue"]),
        source=span(statement["mention"]),
        speaker=speakers[statement["speaker"]],
        via=speakers[statement["via"]] if statement.get("via") else None,
    )
