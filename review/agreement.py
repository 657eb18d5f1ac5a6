"""Where several people, or two checkpoints, have read one article: how far they agree, and which reading holds.

Quotations are paired by their content as the evaluation pairs them (`extractor.matching`); neither reading is gold, so
that every figure is the same from both sides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import combinations
from typing import Any

from rich.table import Table

from extractor.annotation import quotation_as_dict
from extractor.document import Document
from extractor.gold import GoldArticle
from extractor.matching import Pair, match, same_speaker
from extractor.quotation import Quotation


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reviewer says of one article; ``adjudicated``: given after seeing the others, and final."""

    document: Document
    reviewer: str
    quotations: tuple[Quotation, ...]
    adjudicated: bool = False
    reviewed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """Counts over articles that two have read; sums with ``+``.

    ``found``: contents overlap by half; ``exact``: equal but for punctuation. ``who``, ``speaker`` and ``type`` are of
    those found: the same speaker, and the same type. ``empty``: articles in which neither sees a quotation.
    """

    articles: int = 0
    empty: int = 0
    first: int = 0
    second: int = 0
    found: int = 0
    exact: int = 0
    speaker: int = 0
    type: int = 0

    def __add__(self, other: Agreement) -> Agreement:
        return Agreement(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    def f1(self, hits: int) -> float:
        """2 × hits / quotations of both; 1 where neither has any."""
        return 2 * hits / (self.first + self.second) if self.first + self.second else 1.0

    def of_found(self, hits: int) -> float:
        """1 where none was found: there is nothing to disagree about."""
        return hits / self.found if self.found else 1.0

    def as_dict(self) -> dict[str, int | float]:
        counts = {name: getattr(self, name) for name in self.__slots__}
        return counts | {
            "found_f1": self.f1(self.found),
            "exact_f1": self.f1(self.exact),
            "who_f1": self.f1(self.speaker),
            "speaker_share": self.of_found(self.speaker),
            "type_share": self.of_found(self.type),
        }


class Difference(StrEnum):
    """What two readings do not agree about."""

    MISSING = "missing"
    CONTENT = "content"
    SPEAKER = "speaker"
    TYPE = "type"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One quotation, or a pair of them, in which two readings differ; None where a reviewer has no such quotation."""

    document: Document
    reviewers: tuple[str, str]
    differences: tuple[Difference, ...]
    first: Quotation | None
    second: Quotation | None

    def as_dict(self) -> dict[str, Any]:
        sides = zip(self.reviewers, (self.first, self.second), strict=True)
        return {
            "id": self.document.id,
            "differences": [difference.value for difference in self.differences],
            "readings": {name: quotation_as_dict(self.document, side) if side else None for name, side in sides},
        }


def agreement(document: Document, first: Sequence[Quotation], second: Sequence[Quotation]) -> Agreement:
    pairs = [pair for pair in _pairs(document, first, second) if pair.found]
    return Agreement(
        articles=1,
        empty=int(not first and not second),
        first=len(first),
        second=len(second),
        found=len(pairs),
        exact=sum(pair.exact for pair in pairs),
        speaker=sum(map(_one_speaker, pairs)),
        type=sum(pair.right_type for pair in pairs),
    )


def disagreement(document: Document, first: Sequence[Quotation], second: Sequence[Quotation]) -> float:
    """0, the same who-said-what, to 1, nothing in common: 1 - F1 of quotations found with the same speaker."""
    both = agreement(document, first, second)
    return 1.0 - both.f1(both.speaker)


def by_reviewers(readings: Iterable[Reading]) -> dict[tuple[str, str], Agreement]:
    """For each two reviewers, in the order of their names, over the articles that both have read.

    Adjudicated readings stay out: they were made with the others in view.
    """
    found: dict[tuple[str, str], Agreement] = defaultdict(Agreement)
    for one, other in _reviewed_twice(readings):
        found[one.reviewer, other.reviewer] += agreement(one.document, one.quotations, other.quotations)
    return dict(sorted(found.items()))


def disagreements(readings: Iterable[Reading]) -> list[Disagreement]:
    """Of the same articles, in the order of the text."""
    return [
        Disagreement(one.document, (one.reviewer, other.reviewer), differences, pair.gold, pair.predicted)
        for one, other in _reviewed_twice(readings)
        for pair in sorted(_pairs(one.document, one.quotations, other.quotations), key=_place)
        if (differences := _differences(pair))
    ]


def decided(readings: Sequence[Reading]) -> Reading | None:
    """Which reading of one article holds: the last adjudicated one, else any where all agree; None while they do not.

    A reviewer who has read it again is asked for the last reading only.
    """
    adjudicated = sorted((reading for reading in readings if reading.adjudicated), key=_when)
    if adjudicated:
        return adjudicated[-1]
    last = _last(readings)
    return last[0] if last and not disagreements(last) else None


def table(by_pair: Mapping[tuple[str, str], Agreement]) -> Table:
    """A row for each two reviewers, and one for all where there are several."""
    view = Table("reviewers", title="Agreement")
    for heading in ("articles", "both empty", "quotations", "found F1", "exact F1", "who F1", "speaker", "type"):
        view.add_column(heading, justify="right")
    rows = {f"{one}, {other}": both for (one, other), both in by_pair.items()}
    if len(rows) > 1:
        rows["all"] = sum(by_pair.values(), start=Agreement())
    for name, both in rows.items():
        shares = (
            both.f1(both.found),
            both.f1(both.exact),
            both.f1(both.speaker),
            both.of_found(both.speaker),
            both.of_found(both.type),
        )
        counts = (str(both.articles), str(both.empty), f"{both.first}, {both.second}")
        view.add_row(name, *counts, *(f"{share:.3f}" for share in shares))
    return view


def as_dict(readings: Sequence[Reading]) -> dict[str, Any]:
    """Ready for JSON: the figures of each two reviewers, and what they differ in."""
    figures = [{"reviewers": list(names), **both.as_dict()} for names, both in by_reviewers(readings).items()]
    return {"agreement": figures, "disagreements": [found.as_dict() for found in disagreements(readings)]}


def _pairs(document: Document, first: Sequence[Quotation], second: Sequence[Quotation]) -> list[Pair]:
    return match(GoldArticle(document, "", tuple(first)), second)


def _one_speaker(pair: Pair) -> bool:
    """Whether either's wordings hold the other's name: a reviewer who lists fewer of them is no other opinion."""
    if pair.gold is None or pair.predicted is None:
        return False
    return pair.right_speaker or same_speaker(pair.gold.speaker, pair.predicted.speaker)


def _differences(pair: Pair) -> tuple[Difference, ...]:
    if pair.gold is None or pair.predicted is None:
        return (Difference.MISSING,)
    differs = {
        Difference.CONTENT: not pair.exact,
        Difference.SPEAKER: not _one_speaker(pair),
        Difference.TYPE: pair.gold.type != pair.predicted.type,
    }
    return tuple(difference for difference, is_so in differs.items() if is_so)


def _place(pair: Pair) -> int:
    return min(quotation.content[0].start for quotation in (pair.gold, pair.predicted) if quotation)


def _reviewed_twice(readings: Iterable[Reading]) -> list[tuple[Reading, Reading]]:
    by_article: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        if not reading.adjudicated:
            by_article[reading.document.sha256].append(reading)
    return [pair for of_one in by_article.values() for pair in combinations(_last(of_one), 2)]


def _last(readings: Sequence[Reading]) -> list[Reading]:
    """Each reviewer's last, in the order of their names."""
    by_name = {reading.reviewer: reading for reading in sorted(readings, key=_when)}
    return [by_name[name] for name in sorted(by_name)]


def _when(reading: Reading) -> float:
    return reading.reviewed_at.timestamp() if reading.reviewed_at else 0.0
