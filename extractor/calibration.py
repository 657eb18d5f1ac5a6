"""Whether confidence means something: how far it is from the share right, and what a threshold buys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What is accepted from confidence ``threshold`` up: its share of all, and how much of it is right."""

    threshold: float
    coverage: float
    precision: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """``error`` is expected calibration error: |mean confidence - share right| over bins, weighed by size.

    ``curve`` runs from the surest predictions to all of them, one point for each distinct confidence.
    """

    error: float
    curve: tuple[CurvePoint, ...]

    def at_precision(self, precision: float) -> CurvePoint | None:
        """The lowest threshold at which what is accepted is still that precise; None where there is none."""
        return next((point for point in reversed(self.curve) if point.precision >= precision), None)

    def acceptable(self, precision: float = 0.95) -> float:
        """The largest share of predictions that can be accepted unseen at this precision."""
        point = self.at_precision(precision)
        return point.coverage if point else 0.0


def calibrate(confidences: Sequence[float], right: Sequence[bool], *, bins: int = 10) -> Calibration:
    """Of predictions with these confidences, from 0 to 1, where ``right`` says which came true.

    The bins of the error are of equal width. Raises ValueError where the two differ in length.
    """
    if len(confidences) != len(right):
        raise ValueError(f"{len(confidences)} confidences for {len(right)} outcomes")
    if not confidences:
        return Calibration(0.0, ())
    confidence, outcome = np.asarray(confidences, float), np.asarray(right, float)
    return Calibration(_expected_error(confidence, outcome, bins), _curve(confidence, outcome))


def _expected_error(confidence: NDArray[np.float64], right: NDArray[np.float64], bins: int) -> float:
    bin_of = np.clip((confidence * bins).astype(int), 0, bins - 1)
    gaps = np.bincount(bin_of, weights=confidence - right)
    return float(np.abs(gaps).sum() / len(right))


def _curve(confidence: NDArray[np.float64], right: NDArray[np.float64]) -> tuple[CurvePoint, ...]:
    surest_first = np.argsort(-confidence, kind="stable")
    confidence, right = confidence[surest_first], right[surest_first]
    accepted = np.arange(1, len(right) + 1)
    precision = np.cumsum(right) / accepted
    # Equal confidences stand or fall together.
    ends = np.flatnonzero(np.append(confidence[1:] != confidence[:-1], True))
    return tuple(CurvePoint(float(confidence[i]), float(accepted[i] / len(right)), float(precision[i])) for i in ends)
