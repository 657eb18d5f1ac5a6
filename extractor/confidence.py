"""Confidence that means something: the probability that a quotation is found with the right speaker.

The tagger's own number is the probability of one exact labelling, which a long content can only lower: logistic
regression on it and a few facts of the quotation (Platt 1999) turns it into the share that comes true.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from extractor.quotation import Quotation, QuotationType

_LEAST = 1e-6
_PENALTY = 1.0  # on all weights but the first: a few hundred quotations must do


@dataclass(frozen=True, slots=True)
class Confidence:
    """Weights of a constant and of ``features``; fitted on articles that trained nothing."""

    weights: tuple[float, ...]

    def of(self, quotation: Quotation) -> float:
        score = sum(weight * fact for weight, fact in zip(self.weights, features(quotation), strict=True))
        return 1 / (1 + math.exp(-score))


def features(quotation: Quotation) -> tuple[float, ...]:
    """A constant, the tagger's log-odds, the content's size, and whether it is named, marked, has a cue, is relayed."""
    raw = min(max(quotation.confidence, _LEAST), 1 - _LEAST)
    letters = sum(span.end - span.start for span in quotation.content)
    return (
        1.0,
        math.log(raw / (1 - raw)),
        math.log(1 + letters) - 4,
        float(quotation.source is not None),
        float(quotation.type is not QuotationType.INDIRECT),
        float(quotation.cue is not None),
        float(quotation.via is not None),
    )


def fit(quotations: Sequence[Quotation], right: Sequence[bool]) -> Confidence:
    """By Newton's method. Raises ValueError where there is nothing to learn from."""
    if not 0 < sum(right) < len(right):
        raise ValueError(f"{sum(right)} of {len(right)} quotations are right: calibration needs both kinds")
    facts = np.array([features(quotation) for quotation in quotations])
    outcome = np.array(right, float)
    penalty = np.full(facts.shape[1], _PENALTY)
    penalty[0] = 0.0
    weights = np.zeros(facts.shape[1])
    for _ in range(50):
        guess = 1 / (1 + np.exp(-facts @ weights))
        gradient = facts.T @ (guess - outcome) + penalty * weights
        curvature = (facts * (guess * (1 - guess))[:, None]).T @ facts + np.diag(penalty + 1e-9)
        step = np.linalg.solve(curvature, gradient)
        weights -= step
        if np.abs(step).max() < 1e-8:
            break
    return Confidence(tuple(weights.tolist()))
