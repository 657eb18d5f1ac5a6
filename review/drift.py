"""Whether what reviewers do to predictions has moved beyond chance: rates, intervals, and a test.

Corrections within one article are not independent of each other, so the article is the unit of everything here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from models.quality import Corrections, Period, Regions
from models.tables import READINGS

Numbers = NDArray[np.float64]

LEVEL = 0.05
"""Chance of a report with any warning where nothing moved."""

MIN_ARTICLES = 5
"""On either side of a comparison; with fewer there is nothing to see."""

PERMUTATIONS = 9_999

_Z = 1.959964  # of a normal distribution, 95% within
_DRAWS = 2_000_000  # random numbers at a time: 8 MB


class Rate(StrEnum):
    """Of the regions that were proposed, the shares left alone, changed and deleted; of those that the corrected
    reading holds, the share that had to be added."""

    ACCEPTED = "accepted"
    CHANGED = "changed"
    DELETED = "deleted"
    ADDED = "added"

    def hits(self, regions: Regions) -> int:
        by_rate = {
            Rate.ACCEPTED: regions.untouched,
            Rate.CHANGED: regions.changed,
            Rate.DELETED: regions.deleted,
            Rate.ADDED: regions.added,
        }
        return by_rate[self]

    def of(self, regions: Regions) -> int:
        return regions.kept if self is Rate.ADDED else regions.proposed


@dataclass(frozen=True, slots=True)
class Share:
    """``value`` with its 95% interval; of nothing it is 0, from 0 to 1."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Move:
    """A rate in the latest period, and what the earlier ones led to expect of the same mix of articles.

    ``outlet``: None for all together. ``p``: adjusted for all comparisons of the report.
    """

    checkpoint: str
    outlet: str | None
    rate: Rate
    expected: float
    now: float
    articles_before: int
    articles_now: int
    p: float

    @property
    def is_worse(self) -> bool:
        return (self.now < self.expected) == (self.rate is Rate.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Drift:
    """Every comparison of the ``latest`` period (None: nothing was reviewed) with those before it."""

    latest: date | None
    comparisons: tuple[Move, ...] = ()
    level: float = LEVEL

    @property
    def warnings(self) -> tuple[Move, ...]:
        return tuple(move for move in self.comparisons if move.p <= self.level)


def share(hits: int, of: int, design_effect: float = 1.0) -> Share:
    """Wilson's interval, as if there were ``of`` / ``design_effect`` independent cases."""
    if not of:
        return Share(0.0, 0.0, 1.0)
    p, n = hits / of, of / design_effect
    middle = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
    return Share(p, max(0.0, min(p, middle - half)), min(1.0, max(p, middle + half)))


def design_effect(articles: Iterable[Regions], rate: Rate) -> float:
    """How many times the variance of the rate is that of independent regions; at least 1."""
    counts = np.array([(rate.hits(regions), rate.of(regions)) for regions in articles], dtype=np.float64)
    if len(counts) < 2 or not counts[:, 1].sum():
        return 1.0
    hits, of = counts.T
    p = hits.sum() / of.sum()
    independent = p * (1 - p) * of.sum()
    clustered = ((hits - p * of) ** 2).sum() * len(counts) / (len(counts) - 1)
    return max(1.0, float(clustered / independent)) if independent else 1.0


def by_article(corrections: Iterable[Corrections]) -> dict[int, Regions]:
    """All that reviewers did to each article; where the verdict was no reading it has no regions, and is left out."""
    articles: dict[int, Regions] = defaultdict(Regions)
    for one in corrections:
        if one.verdict in READINGS:
            articles[one.article_id] += one.total
    return dict(articles)


def drift(
    corrections: Sequence[Corrections], period: Period, *, level: float = LEVEL, permutations: int = PERMUTATIONS
) -> Drift:
    """Compares the latest period with all before it, for each checkpoint: each outlet, and all together.

    A permutation test. Were there no drift, which articles of a stratum (one checkpoint, one outlet, chosen for one
    reason) came in the latest period would be chance: so that is drawn anew, ``permutations`` times. A rate's
    statistic is its excess of hits in the latest period over what its stratum's overall rate gives; one of several
    strata is their sum. The adjusted p is the share of draws whose smallest p among all comparisons is as small
    (Westfall and Young): it holds for all of them at once, whatever they have in common. The same corrections give the
    same p.
    """
    read = [one for one in corrections if one.verdict in READINGS]
    if not read:
        return Drift(None, level=level)
    latest = max(period.start(one.reviewed_at) for one in read)
    strata = _strata(read, period, latest)
    series = _series(strata)
    if not series:
        return Drift(latest, level=level)
    drawn = _excesses(strata, permutations)
    of_series = np.hstack([sum(drawn[number] for number in numbers) for numbers in series.values()])
    adjusted = iter(_adjusted(of_series))
    return Drift(
        latest,
        tuple(
            _move(checkpoint, outlet, rate, [strata[number] for number in numbers], next(adjusted))
            for (checkpoint, outlet), numbers in series.items()
            for rate in Rate
        ),
        level,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Stratum:
    """Articles that may stand for each other: hits and cases, (articles, rates), the ``now`` of the latest period
    first."""

    checkpoint: str
    outlet: str
    hits: Numbers
    of: Numbers
    now: int

    @property
    def before(self) -> int:
        return len(self.hits) - self.now

    @property
    def residuals(self) -> Numbers:
        """Each article's hits above what the overall rate gives it; they add up to 0."""
        of = self.of.sum(0)
        overall = np.divide(self.hits.sum(0), of, out=np.zeros_like(of), where=of > 0)
        residuals: Numbers = self.hits - overall * self.of
        return residuals


def _strata(read: Sequence[Corrections], period: Period, latest: date) -> list[_Stratum]:
    """Those with articles on both sides. One that was read in both counts as two, which errs towards silence."""
    groups: dict[tuple[str, str, str], list[Corrections]] = defaultdict(list)
    for one in read:
        groups[one.checkpoint, one.outlet, one.reason].append(one)
    strata = []
    for (checkpoint, outlet, _), some in sorted(groups.items()):
        now = by_article(one for one in some if period.start(one.reviewed_at) == latest)
        before = by_article(one for one in some if period.start(one.reviewed_at) < latest)
        if now and before:
            articles = [*now.values(), *before.values()]
            hits = np.array([[rate.hits(regions) for rate in Rate] for regions in articles], dtype=np.float64)
            of = np.array([[rate.of(regions) for rate in Rate] for regions in articles], dtype=np.float64)
            strata.append(_Stratum(checkpoint, outlet, hits, of, len(now)))
    return strata


def _series(strata: Sequence[_Stratum]) -> dict[tuple[str, str | None], list[int]]:
    """What is compared, as numbers of strata: each checkpoint, and each of its outlets where it has several."""
    outlets: dict[str, set[str]] = defaultdict(set)
    for stratum in strata:
        outlets[stratum.checkpoint].add(stratum.outlet)
    series: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for number, stratum in enumerate(strata):
        series[stratum.checkpoint, None].append(number)
        if len(outlets[stratum.checkpoint]) > 1:
            series[stratum.checkpoint, stratum.outlet].append(number)
    return {
        key: numbers
        for key, numbers in series.items()
        if min(sum(strata[n].now for n in numbers), sum(strata[n].before for n in numbers)) >= MIN_ARTICLES
    }


def _excesses(strata: Sequence[_Stratum], permutations: int) -> list[Numbers]:
    """For each stratum (1 + permutations, rates): as observed in the first row, then as drawn."""
    rng = np.random.default_rng(0)
    return [
        np.vstack([stratum.residuals[: stratum.now].sum(0), *_draws(stratum, permutations, rng)]) for stratum in strata
    ]


def _draws(stratum: _Stratum, permutations: int, rng: np.random.Generator) -> Iterator[Numbers]:
    """The excess where any articles of the stratum, as many as there are, are the latest period's; (some, rates)."""
    residuals, size = stratum.residuals, len(stratum.hits)
    few = min(stratum.now, stratum.before)
    sign = 1.0 if few == stratum.now else -1.0  # the others' residuals are what is missing to 0
    at_once = max(1, _DRAWS // size)
    for first in range(0, permutations, at_once):
        keys = rng.random((min(at_once, permutations - first), size), dtype=np.float32)
        yield sign * residuals[keys.argpartition(few - 1, axis=1)[:, :few]].sum(1)


def _adjusted(excesses: Numbers) -> list[float]:
    """For each column the share of rows whose smallest p is as small as the first row's p in that column."""
    sizes = np.abs(excesses).round(9)  # sums in another order are still ties
    ps = np.empty_like(sizes)
    for column, values in enumerate(sizes.T):
        ps[:, column] = (len(values) - np.searchsorted(np.sort(values), values)) / len(values)
    smallest = np.sort(ps.min(1))
    found: list[float] = (np.searchsorted(smallest, ps[0], side="right") / len(smallest)).tolist()
    return found


def _move(checkpoint: str, outlet: str | None, rate: Rate, strata: Sequence[_Stratum], p: float) -> Move:
    column = list(Rate).index(rate)
    hits = of = expected = 0.0
    for stratum in strata:
        now, before = slice(stratum.now), slice(stratum.now, None)
        earlier = stratum.of[before, column].sum()
        if earlier:
            hits += stratum.hits[now, column].sum()
            of += stratum.of[now, column].sum()
            expected += stratum.of[now, column].sum() * stratum.hits[before, column].sum() / earlier
    return Move(
        checkpoint,
        outlet,
        rate,
        expected=float(expected / of) if of else 0.0,
        now=float(hits / of) if of else 0.0,
        articles_before=sum(stratum.before for stratum in strata),
        articles_now=sum(stratum.now for stratum in strata),
        p=p,
    )
