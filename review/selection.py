"""What to review next: mostly what the tagger doubts, but not only, or the labels would mirror its doubts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from itertools import islice
from math import log1p, log2
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from extractor.document import Document
from extractor.quotation import QuotationType
from extractor.text import fold
from review.near_duplicates import groups

WORD_FEATURES = 512
OUTLET_FEATURES = 64

Features = NDArray[np.float32]


class Reason(StrEnum):
    UNCERTAIN = "uncertain"
    DIVERSE = "diverse"
    RANDOM = "random"
    DISAGREEMENT = "disagreement"


@dataclass(frozen=True, slots=True)
class Shares:
    """Weights, not percentages: only how they stand to one another matters.

    A share that finds too few articles, as that of disagreement where one checkpoint has read everything, leaves its
    place to the others. Raises ValueError where one is negative or all are 0.
    """

    uncertain: float = 0.6
    diverse: float = 0.2
    random: float = 0.2
    disagreement: float = 0.2

    def __post_init__(self) -> None:
        weights = [getattr(self, field.name) for field in fields(self)]
        if min(weights) < 0 or not sum(weights):
            raise ValueError(f"shares are weights, none negative and not all 0: {weights}")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article that may be reviewed.

    ``types``: of its quotations, as predicted; ``uncertainty``: 0 to 1; ``disagreement``: of two checkpoints about it,
    0 to 1 (`review.agreement.disagreement`), 0 also where only one has read it.
    """

    document: Document
    types: tuple[QuotationType, ...]
    uncertainty: float
    outlet: str = ""
    disagreement: float = 0.0


@dataclass(frozen=True, slots=True)
class Choice:
    candidate: Candidate
    reason: Reason


def select(
    candidates: Sequence[Candidate],
    count: int,
    shares: Shares | None = None,
    seed: int = 0,
    seen: Sequence[Candidate] = (),
) -> list[Choice]:
    """``count`` of the candidates, or all there are, each once and with its reason; the same for the same arguments,
    in whatever order the candidates come.

    Of near-duplicates only the longest may be chosen, and none where a copy is among ``seen``: what is being
    reviewed, or was. Then, in this order:

    - random: evenly from all that is left, first, so that it is a fair sample on which a checkpoint can be measured;
    - disagreement: what two checkpoints differ about most;
    - uncertain: the least sure first, also in the places that disagreement could not fill;
    - diverse: again and again the article farthest from all that is chosen or seen (greedy k-center), where
      `features` says how far apart two are: their words, outlet, length and types of quotation. Last, so that it
      brings what the others lack.
    """
    pool = _without_copies(candidates, seen)
    count = max(0, min(count, len(pool)))
    differing = sum(candidate.disagreement > 0 for candidate in pool)
    places = _places(count, shares or Shares(), differing)
    chosen: dict[int, Reason] = {}

    def choose(reason: Reason, ranking: Sequence[int], places: int) -> None:
        left = (position for position in ranking if position not in chosen)
        chosen.update(dict.fromkeys(list(islice(left, places)), reason))

    order = np.random.default_rng(seed).permutation(len(pool)).tolist()
    choose(Reason.RANDOM, order, places[Reason.RANDOM])
    differed = _ranked(pool, lambda candidate: candidate.disagreement)[:differing]
    choose(Reason.DISAGREEMENT, differed, places[Reason.DISAGREEMENT])
    doubted = _ranked(pool, lambda candidate: candidate.uncertainty)
    choose(Reason.UNCERTAIN, doubted, count - len(chosen) - places[Reason.DIVERSE])
    if missing := count - len(chosen):
        taken = [*chosen, *range(len(pool), len(pool) + len(seen))]
        choose(Reason.DIVERSE, _farthest(features([*pool, *seen]), len(pool), taken, missing), missing)
    return [Choice(pool[position], reason) for position, reason in chosen.items()]


def features(candidates: Sequence[Candidate]) -> Features:
    """(n, 581) float32: how far apart two rows are says how different two articles are.

    Words: hashed TF-IDF, of length 1, so that two articles without a common word are √2 apart. Beside that stand the
    outlet (two are 0.7 apart), the length (0.25 for twice as long) and the shares of the types of quotation (0.7
    between all direct and all indirect).
    """
    rows = np.zeros((len(candidates), WORD_FEATURES + OUTLET_FEATURES + 1 + len(QuotationType) + 1), dtype=np.float32)
    words, rest = rows[:, :WORD_FEATURES], rows[:, WORD_FEATURES:]
    for row, described, candidate in zip(words, rest, candidates, strict=True):
        counts = Counter(fold(candidate.document.raw).split())
        for word, times in counts.items():
            code = crc32(word.encode("utf-8", "replace"))
            row[code % WORD_FEATURES] += log1p(times) * (1 if code & 0x10000 else -1)
        described[crc32(candidate.outlet.encode()) % OUTLET_FEATURES] = 0.5
        described[OUTLET_FEATURES] = 0.25 * log2(1 + counts.total())
        types = Counter(candidate.types)
        shares = [types[kind] / max(1, types.total()) for kind in QuotationType]
        described[OUTLET_FEATURES + 1 :] = [0.5 * share for share in (*shares, float(not types))]
    words *= np.log((1 + len(rows)) / (1 + np.count_nonzero(words, axis=0)))
    words /= np.maximum(np.linalg.norm(words, axis=1, keepdims=True), 1e-9)
    return rows


def _without_copies(candidates: Sequence[Candidate], seen: Sequence[Candidate]) -> list[Candidate]:
    """Those that lead their group of near-duplicates; the longest first, for the earliest of a group leads it."""
    known = {candidate.document.sha256 for candidate in seen}
    new = {candidate.document.sha256: candidate for candidate in candidates}
    ordered = [new[key] for key in sorted(new.keys() - known, key=lambda key: (-len(new[key].document.raw), key))]
    leader = groups([candidate.document.raw for candidate in (*seen, *ordered)])
    return [candidate for at, candidate in enumerate(ordered, len(seen)) if leader[at] == at]


def _places(count: int, shares: Shares, differing: int) -> dict[Reason, int]:
    """So many for each reason, in all ``count``; what is lost by rounding goes where most was lost."""
    weights = {reason: getattr(shares, reason.value) for reason in Reason}
    if not differing:
        weights[Reason.DISAGREEMENT] = 0.0
    total = sum(weights.values()) or 1.0
    exact = {reason: count * weight / total for reason, weight in weights.items()}
    places = {reason: int(share) for reason, share in exact.items()}
    left = count - sum(places.values())
    for reason in sorted(exact, key=lambda reason: places[reason] - exact[reason])[:left]:
        places[reason] += 1
    return places


def _ranked(pool: Sequence[Candidate], measure: Callable[[Candidate], float]) -> list[int]:
    return sorted(range(len(pool)), key=lambda position: (-measure(pool[position]), pool[position].document.sha256))


def _farthest(rows: Features, choosable: int, taken: Sequence[int], count: int) -> list[int]:
    """Of the first ``choosable`` rows, but those ``taken``; where none is taken, first the farthest from the mean."""
    pool = rows[:choosable]
    squares = (pool**2).sum(axis=1)
    centers = rows[list(taken)] if taken else pool.mean(axis=0, keepdims=True)
    nearest: Features = np.full(choosable, np.inf, dtype=np.float32)
    for first in range(0, len(centers), 64):
        nearest = np.minimum(nearest, _distances(pool, squares, centers[first : first + 64]).min(axis=1))
    nearest[[position for position in taken if position < choosable]] = -np.inf
    chosen: list[int] = []
    for _ in range(count):
        position = int(nearest.argmax())
        chosen.append(position)
        nearest = np.minimum(nearest, _distances(pool, squares, pool[position : position + 1])[:, 0])
        nearest[position] = -np.inf
    return chosen


def _distances(rows: Features, squares: Features, centers: Features) -> Features:
    """(rows, centers): squared."""
    return np.asarray(squares[:, None] - 2 * (rows @ centers.T) + (centers**2).sum(axis=1))
