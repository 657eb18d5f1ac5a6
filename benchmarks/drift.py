"""How often the warning of drift is false, and how often it sees a fall of the acceptance rate.

``python -m benchmarks.drift --reports 1000``
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from extractor.quotation import Role
from models.quality import Corrections, Period, Regions
from models.tables import Verdict
from review.drift import LEVEL, Rate, drift

MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
REASONS = ("uncertain", "random", "diverse", "disagreement")
NUMBERS = np.random.Generator


@dataclass(frozen=True, slots=True)
class World:
    """What reviewers do each week: ``accepted`` in all weeks but the last, ``fall`` less in the last one.

    ``alike``: how much the regions of one article have in common, from 0 to 1; ``only``: the outlet that falls, None
    for all; ``unrest``: the standard deviation of the rate of whole weeks, which the test knows nothing of.
    """

    weeks: int = 9
    articles: int = 60
    outlets: int = 6
    accepted: float = 0.85
    fall: float = 0.0
    only: int | None = None
    alike: float = 0.2
    unrest: float = 0.0


def simulated(world: World, rng: NUMBERS) -> list[Corrections]:
    """Outlets and reasons differ in their rates, articles in theirs and in their length; one in eight has no quotation."""
    by_outlet = rng.normal(0, 0.04, world.outlets)
    by_reason = dict(zip(REASONS, (-0.05, 0.05, 0.0, -0.05), strict=True))
    return [
        _corrections(world, rng, week, week * world.articles + number, by_outlet, by_reason, moved)
        for week, moved in enumerate(rng.normal(0, world.unrest, world.weeks))
        for number in range(world.articles)
    ]


def _corrections(
    world: World,
    rng: NUMBERS,
    week: int,
    article: int,
    by_outlet: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    by_reason: dict[str, float],
    moved: float,
) -> Corrections:
    outlet, reason = int(rng.integers(world.outlets)), str(rng.choice(REASONS, p=(0.5, 0.2, 0.2, 0.1)))
    falls = week == world.weeks - 1 and world.only in (None, outlet)
    mean = world.accepted + by_outlet[outlet] + by_reason[reason] + moved - (world.fall if falls else 0.0)
    concentration = (1 - world.alike) / world.alike
    shares = rng.dirichlet(concentration * np.array([mean, (1 - mean) * 0.6, (1 - mean) * 0.4]).clip(0.01))
    proposed = int(rng.integers(1, 14)) * 3 if rng.random() > 1 / 8 else 0
    untouched, changed, deleted = rng.multinomial(proposed, shares).tolist()
    regions = Regions(untouched, changed, deleted, int(rng.poisson(rng.gamma(0.5, 0.15 * (proposed + 1)))))
    return Corrections(
        "starter-1",
        f"outlet {outlet}",
        article,
        reason,
        "reviewer@example.org",
        Verdict.CORRECTED if regions.kept else Verdict.NO_QUOTATIONS,
        MONDAY + timedelta(weeks=week, minutes=article % world.articles),
        regions={Role.CONTENT: regions},
    )


def alarms(world: World, reports: int, permutations: int = 1_999, seed: int = 0) -> float:
    """The share of reports with any warning."""
    return _share(world, reports, seed, lambda some: bool(drift(some, Period.WEEK, permutations=permutations).warnings))


def naive_alarms(world: World, reports: int, seed: int = 0) -> float:
    """The same of two-proportion z tests on regions with Holm's correction, which take regions for independent."""
    return _share(world, reports, seed, _naive)


def _naive(some: list[Corrections]) -> bool:
    from math import erfc, sqrt

    last = max(Period.WEEK.start(one.reviewed_at) for one in some)
    ps = []
    for outlet in {None, *(one.outlet for one in some)}:
        sides = [Regions(), Regions()]
        for one in some:
            if outlet in (None, one.outlet):
                sides[Period.WEEK.start(one.reviewed_at) == last] += one.total
        for rate in Rate:
            (a, n), (b, m) = ((rate.hits(side), rate.of(side)) for side in sides)
            p = (a + b) / max(1, n + m)
            if n and m and 0 < p < 1:
                ps.append(erfc(abs(a / n - b / m) / sqrt(p * (1 - p) * (1 / n + 1 / m)) / sqrt(2)))
    return min(ps) * len(ps) <= LEVEL  # Holm warns of anything where Bonferroni does


def _share(world: World, reports: int, seed: int, warns: Callable[[list[Corrections]], bool]) -> float:
    return sum(warns(simulated(world, np.random.default_rng((seed, number)))) for number in range(reports)) / reports


WORLDS = {
    "no drift": World(),
    "no drift, 20 outlets": World(outlets=20),
    "no drift, 15 articles a week": World(articles=15),
    "no drift, 2 weeks": World(weeks=2),
    "no drift, weeks differ by 0.02": World(unrest=0.02),
    "0.85 to 0.70, 60 articles a week": World(fall=0.15),
    "0.85 to 0.78, 60 articles a week": World(fall=0.07),
    "0.85 to 0.70, 60 articles a week, one outlet of six": World(fall=0.15, only=2),
    "0.85 to 0.55, 60 articles a week, one outlet of six": World(fall=0.30, only=2),
    "0.85 to 0.70, 20 articles a week": World(articles=20, fall=0.15),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=1000)
    options = parser.parse_args()
    for name, world in WORLDS.items():
        found = alarms(world, options.reports)
        naive = naive_alarms(world, options.reports)
        sys.stdout.write(f"{name}: {found:.3f} of reports warn; without regard for articles {naive:.3f}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
