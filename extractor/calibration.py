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
class Bin:
    """Predictions of similar confidence: how many, their mean confidence, and the share of them that is right."""

    predictions: int
    confidence: float
    right: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """``error`` is expected calibration error: |mean confidence - share right| over bins, weighed by size.

    ``curve`` runs from the surest predictions to all of them, one point for each distinct confidence. ``bins`` are
    those of the error that hold predictions, from the least confident up.
    """

    error: float
    curve: tuple[CurvePoint, ...]
    bins: tuple[Bin, ...] = ()

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
    filled = _bins(confidence, outcome, bins)
    error = sum(found.predictions * abs(found.confidence - found.right) for found in filled) / len(right)
    return Calibration(error, _curve(confidence, outcome), filled)


def _bins(confidence: NDArray[np.float64], right: NDArray[np.float64], bins: int) -> tuple[Bin, ...]:
    bin_of = np.clip((confidence * bins).astype(int), 0, bins - 1)
    members = [bin_of == number for number in np.unique(bin_of)]
    return tuple(Bin(int(own.sum()), float(confidence[own].mean()), float(right[own].mean())) for own in members)


def _curve(confidence: NDArray[np.float64], right: NDArray[np.float64]) -> tuple[CurvePoint, ...]:
    surest_first = np.argsort(-confidence, kind="stable")
    confidence, right = confidence[surest_first], right[surest_first]
    accepted = np.arange(1, len(right) + 1)
    precision = np.cumsum(right) / accepted
    # Equal confidences stand or fall together.
    ends = np.flatnonzero(np.append(confidence[1:] != confidence[:-1], True))
    return tuple(CurvePoint(float(confidence[i]), float(accepted[i] / len(right)), float(precision[i])) for i in ends)
