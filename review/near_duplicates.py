"""Articles that are nearly the same: wire copies under another headline, cut short, signed by another outlet.

An article is the set of its shingles, the runs of ``WORDS`` normalised words. How alike two articles are is their
containment: the shingles in common, as a share of the smaller set, so that a copy without its second half still
counts. Comparing all pairs would take hours; only those are compared that share one of the ``SKETCH`` shingles whose
hashes are smallest in each (MinHash, from the bottom of one hash function). A copy shares dozens of them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from extractor.text import fold

WORDS = 3
SKETCH = 64
FORMULA = 40
THRESHOLD = 0.5
"""The containment of a near-duplicate; what it finds and what it takes for a copy: `benchmarks/near_duplicates.py`."""

Hashes = NDArray[np.uint64]

_WORD = re.compile(r"[^\W_]+")
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd, its bits in no order: what the golden ratio gives


@dataclass(frozen=True, slots=True)
class Nearest:
    """Which of the others, by its position, and the containment of the two."""

    position: int
    share: float


class Shingles:
    """Makes shingles; remembers the hash of every word seen, which is most of the work."""

    def __init__(self) -> None:
        self._words: dict[str, int] = {}

    def of(self, text: str) -> Hashes:
        """(n,): sorted, no two alike. A text of fewer than WORDS words is one shingle, one without words none."""
        words = np.array([self._hash(word) for word in _WORD.findall(fold(text))], dtype=np.uint64)
        if not len(words):
            return words
        length = min(WORDS, len(words))
        runs: Hashes = np.zeros(len(words) - length + 1, dtype=np.uint64)
        for place in range(length):
            runs = _mixed(runs + words[place : len(words) - length + 1 + place])
        return np.unique(runs)

    def _hash(self, word: str) -> int:
        known = self._words.get(word)
        if known is None:
            known = int.from_bytes(blake2b(word.encode("utf-8", "replace"), digest_size=8).digest(), "little")
            self._words[word] = known
        return known


def containment(first: Hashes, second: Hashes) -> float:
    """0 to 1: of the smaller set, the share that is in the other; 0 where one is empty."""
    smaller = min(len(first), len(second))
    return len(np.intersect1d(first, second, assume_unique=True)) / smaller if smaller else 0.0


def groups(texts: Sequence[str], threshold: float = THRESHOLD) -> list[int]:
    """For each text the position of the text that leads its group: itself, or an earlier one that it is a copy of.

    Every member is a near-duplicate of its leader; two members need not be of one another.
    """
    sets = _without_formulas(_sets(texts))
    neighbours = _neighbours(sets)
    leader = list(range(len(sets)))
    for position, earlier in enumerate(neighbours):
        for led_by in sorted({leader[other] for other in earlier}):
            if containment(sets[led_by], sets[position]) >= threshold:
                leader[position] = led_by
                break
    return leader


def nearest(texts: Sequence[str], others: Sequence[str], threshold: float = THRESHOLD) -> list[Nearest | None]:
    """For each text the most alike of the others, the first of equals; None where none is a near-duplicate."""
    sets = _without_formulas(_sets([*texts, *others]))
    sets, theirs = sets[: len(texts)], sets[len(texts) :]
    sketched: dict[int, list[int]] = defaultdict(list)
    for position, hashes in enumerate(sets):
        for value in hashes[:SKETCH].tolist():
            sketched[value].append(position)
    found: list[Nearest | None] = [None] * len(sets)
    for number, other in enumerate(theirs):
        for position in {at for value in other[:SKETCH].tolist() for at in sketched.get(value, ())}:
            share, best = containment(sets[position], other), found[position]
            if share >= threshold and (best is None or share > best.share):
                found[position] = Nearest(number, share)
    return found


def _sets(texts: Iterable[str]) -> list[Hashes]:
    shingles = Shingles()
    return [shingles.of(text) for text in texts]


def _without_formulas(sets: Sequence[Hashes]) -> list[Hashes]:
    """Without what more than FORMULA articles share: an outlet's dateline and its words about itself.

    In short articles they would be half of what there is. An article of nothing else keeps all: it may be a story
    with hundreds of copies.
    """
    if not sets:
        return []
    values, counts = np.unique(np.concatenate(sets), return_counts=True)
    formulas = values[counts > FORMULA]
    rare = (np.setdiff1d(hashes, formulas, assume_unique=True) for hashes in sets)
    return [own if len(own) >= WORDS else everything for own, everything in zip(rare, sets, strict=True)]


def _neighbours(sets: Sequence[Hashes]) -> list[list[int]]:
    """For each set the earlier ones worth comparing: those before it in the list of sets with one sketched shingle.

    One before it in each list and no more, so that a formula of a thousand articles costs a thousand comparisons, not
    half a million; copies share so many shingles that they meet in some list.
    """
    found: list[list[int]] = [[] for _ in sets]
    sketches = [hashes[:SKETCH] for hashes in sets]
    if not sketches:
        return found
    owners = np.repeat(np.arange(len(sets)), [len(sketch) for sketch in sketches])
    hashes = np.concatenate(sketches)
    order = np.lexsort((owners, hashes))
    owners, hashes = owners[order], hashes[order]
    shared = hashes[1:] == hashes[:-1]
    for earlier, position in np.unique(np.stack([owners[:-1][shared], owners[1:][shared]], axis=1), axis=0).tolist():
        found[position].append(earlier)
    return found


def _mixed(values: Hashes) -> Hashes:
    values = values * _FACTOR
    return values ^ (values >> np.uint64(29))
