"""Credits of two checkpoints on the same gold: by measure, and by the sorts of quotations that must not get worse."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from extractor.bootstrap import Numbers
from extractor.gold import GoldArticle
from extractor.matching import Pair, match
from extractor.quotation import Quotation, QuotationType

LEAST_OF_OUTLET = 20
"""Gold quotations from which an outlet is protected: with fewer its figure is noise."""

Readings = Mapping[str, Sequence[Quotation]]
"""By the articles' hashes."""

Credits = dict[str, Numbers]
"""By name, articles × 4, as `extractor.bootstrap` has them."""

MEASURES: dict[str, Callable[[Pair], bool]] = {
    "who": lambda pair: pair.right,
    "found": lambda pair: pair.found,
    "exact": lambda pair: pair.exact,
}


def credits_by_measure(gold: Sequence[GoldArticle], readings: Readings) -> Credits:
    """Of who-said-what, quotations found, and exact contents."""
    matched = _matched(gold, readings)
    return {name: _credits(matched, hit) for name, hit in MEASURES.items()}


def credits_by_slice(gold: Sequence[GoldArticle], readings: Readings) -> Credits:
    """Of who-said-what, in each slice that has gold. A false alarm counts in the slice that it looks like."""
    matched = _matched(gold, readings)
    slices = {kind.value: _credits(matched, MEASURES["who"], _is_of(kind)) for kind in QuotationType}
    slices["omitted subject"] = _credits(matched, MEASURES["who"], lambda quotation: quotation.source is None)
    whole = _credits(matched, MEASURES["who"])
    for outlet in sorted({article.outlet for article in gold} - {""}):
        own = np.array([article.outlet == outlet for article in gold])
        if whole[own, 3].sum() >= LEAST_OF_OUTLET:
            slices[f"outlet {outlet}"] = whole * own[:, None]
    return {name: earned for name, earned in slices.items() if earned[:, 3].sum()}


def _is_of(kind: QuotationType) -> Callable[[Quotation], bool]:
    return lambda quotation: quotation.type is kind


def _matched(gold: Sequence[GoldArticle], readings: Readings) -> list[list[Pair]]:
    return [match(article, readings[article.document.sha256]) for article in gold]


def _credits(
    matched: Sequence[Sequence[Pair]],
    hit: Callable[[Pair], bool],
    belongs: Callable[[Quotation], bool] = lambda quotation: True,
) -> Numbers:
    table = np.zeros((len(matched), 4))
    for row, pairs in zip(table, matched, strict=True):
        for pair in pairs:
            judged = pair.gold or pair.predicted
            if judged and belongs(judged):
                earned = hit(pair)
                row += (earned, earned, pair.predicted is not None, pair.gold is not None)
    return table
