"""Precision, recall and F1 with what chance has in them: bootstrap over articles, for one system or for two.

Credits are arrays whose last axis holds hits among the predicted, hits among gold, predicted, and gold.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

DRAWS = 1000
SEED = 7

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measure:
    """From 0 to 1. ``low`` and ``high`` bound F1 in 95% of the draws of articles."""

    precision: float
    recall: float
    f1: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """F1 of one system less that of another, with its 95% interval.

    ``p`` is two-sided: how often a draw of articles turns the sign, doubled. ``spread`` is the standard deviation of
    the draws' differences.
    """

    measure: str
    difference: float
    low: float
    high: float
    p: float
    spread: float = 0.0


def measures(earned: Numbers) -> list[Measure]:
    """One for each measure, from credits of shape articles × measures × 4."""
    total = earned.sum(0)
    precision, recall = _precision_recall(total)
    low, high = _interval(f1(np.tensordot(_draws(len(earned)), earned, axes=1).astype(float)))
    columns = np.stack([precision, recall, f1(total), low, high], axis=-1)
    return [Measure(*row) for row in columns.tolist()]


def difference(measure: str, a: Numbers, b: Numbers, level: float = 0.95) -> Difference:
    """Of two systems' credits on the same articles, both articles × 4, drawn together; ``level``: of the interval."""
    drawn = drawn_differences(a, b)
    low, high = np.quantile(drawn, ((1 - level) / 2, (1 + level) / 2))
    turned = min(float(np.mean(drawn <= 0)), float(np.mean(drawn >= 0)))
    return Difference(
        measure,
        float(f1(a.sum(0)) - f1(b.sum(0))),
        float(low),
        float(high),
        min(1.0, 2 * turned),
        float(drawn.std()),
    )


def drawn_differences(a: Numbers, b: Numbers) -> Numbers:
    """Of each draw of articles, F1 of the first less that of the second; (DRAWS,)."""
    draws = _draws(len(a))
    return f1(draws @ a) - f1(draws @ b)


def f1(earned: Numbers) -> Numbers:
    precision, recall = _precision_recall(earned)
    return _rate(2 * precision * recall, precision + recall)


def _precision_recall(earned: Numbers) -> tuple[Numbers, Numbers]:
    return _rate(earned[..., 0], earned[..., 2]), _rate(earned[..., 1], earned[..., 3])


def _rate(part: Numbers, whole: Numbers) -> Numbers:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


@lru_cache(maxsize=4)
def _draws(articles: int) -> Numbers:
    """How often each article was drawn, DRAWS × articles: as many as there are, with replacement."""
    drawn = np.random.default_rng(SEED).multinomial(articles, np.full(articles, 1 / articles), DRAWS)
    return drawn.astype(float)


def _interval(drawn: Numbers) -> tuple[Numbers, Numbers]:
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    return low, high
