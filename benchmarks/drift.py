"""How often the warning of drift is false, and how often it sees a fall of the acceptance rate.

``python -m benchmarks.drift --reports 1000``
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import erfc, sqrt

import numpy as np

from extractor.quotation import Role
from models.quality import Corrections, Period, Regions
from models.tables import Verdict
from review.drift import LEVEL, Rate, drift

MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
REASONS = ("uncertain", "random", "diverse", "disagreement")


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


def simulated(world: World, rng: np.random.Generator) -> list[Corrections]:
    """Outlets and reasons differ in their rates, articles also in their length; one in eight has no quotation."""
    size = world.weeks * world.articles
    week = np.arange(size) // world.articles
    outlet, reason = rng.integers(world.outlets, size=size), rng.choice(len(REASONS), size, p=(0.5, 0.2, 0.2, 0.1))
    mean = world.accepted + rng.normal(0, 0.04, world.outlets)[outlet] + np.array((-0.05, 0.05, 0.0, -0.05))[reason]
    mean += rng.normal(0, world.unrest, world.weeks)[week]
    mean -= world.fall * ((week == world.weeks - 1) & ((outlet == world.only) | (world.only is None)))
    means = np.stack([mean, (1 - mean) * 0.6, (1 - mean) * 0.4], axis=1).clip(0.01)
    weights = rng.gamma((1 - world.alike) / world.alike * means)
    proposed = 3 * rng.integers(1, 14, size) * (rng.random(size) > 1 / 8)
    found = rng.multinomial(proposed, weights / weights.sum(1, keepdims=True))
    added = rng.poisson(rng.gamma(0.5, 0.15 * (proposed + 1)))
    columns = zip(*found.T.tolist(), added.tolist(), strict=True)
    return [
        Corrections(
            "starter-1",
            f"outlet {outlet[number]}",
            number,
            REASONS[reason[number]],
            "reviewer@example.org",
            Verdict.CORRECTED,
            MONDAY + timedelta(weeks=int(week[number]), minutes=number % world.articles),
            regions={Role.CONTENT: Regions(*counts)},
        )
        for number, counts in enumerate(columns)
    ]


def alarms(world: World, reports: int, permutations: int = 999, seed: int = 0) -> tuple[float, float]:
    """The share of reports with any warning, and that with one of two-proportion z tests with Holm's correction,
    which take regions for independent."""
    ours = naive = 0
    for number in range(reports):
        some = simulated(world, np.random.default_rng((seed, number)))
        ours += bool(drift(some, Period.WEEK, permutations=permutations).warnings)
        naive += _naive(some)
    return ours / reports, naive / reports


def _naive(some: list[Corrections]) -> bool:
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
        found, naive = alarms(world, options.reports)
        sys.stdout.write(f"{name}: {found:.3f} of reports warn; without regard for articles {naive:.3f}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
