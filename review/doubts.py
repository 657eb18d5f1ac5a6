"""Labels that a checkpoint speaks against although it has learned from them: most likely slips of a reviewer."""

from __future__ import annotations

from collections.abc import Mapping

from extractor.document import Document
from extractor.gold import GoldArticle
from extractor.matching import Pair, match
from extractor.quotation import Quotation
from models.retrainings import Doubt
from review.slices import Readings

SURE = 0.9
"""The confidence from which a contradiction counts."""

MOST = 10
"""Reviews that one retraining sends back: the surest contradictions."""


def doubts(labels: Mapping[int, GoldArticle], readings: Readings) -> list[Doubt]:
    """By the ids of reviews what they say, against what the checkpoint says of the same articles; the surest first."""
    found = []
    for review, article in labels.items():
        contradictions = [
            (pair.predicted.confidence, _detail(article.document, pair.predicted, pair))
            for pair in match(article, readings[article.document.sha256])
            if pair.predicted and pair.predicted.confidence >= SURE and not pair.right
        ]
        if contradictions:
            confidence, detail = max(contradictions)
            found.append((confidence, Doubt(review, detail)))
    found.sort(key=lambda item: -item[0])
    return [doubt for _, doubt in found[:MOST]]


def _detail(document: Document, predicted: Quotation, pair: Pair) -> str:
    says = f"«{_words(document, predicted)}», {predicted.confidence:.0%} sure"
    if pair.found and pair.gold:
        return f"{says}: said by {_name(predicted)}, not {_name(pair.gold)}"
    return f"{says}: a quotation of {_name(predicted)} that is not marked"


def _words(document: Document, quotation: Quotation) -> str:
    words = " ".join(quotation.content[0].of(document.raw).split())
    return words if len(words) <= 60 else f"{words[:59]}…"


def _name(quotation: Quotation) -> str:
    return quotation.speaker.name if quotation.speaker else "nobody"
