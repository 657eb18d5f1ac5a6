"""Invented gold as counts: what two taggers of known quality earn on it, so that the gate's errors can be counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from extractor.bootstrap import Numbers
from review.gate import Verdict, judge

FOUND, RIGHT, EXACT = 0.87, 0.95, 0.88
"""Of the gold found; of those found the share with the right speaker, and with exact contents: about the starter's."""
ALARMS = 0.08  # false ones, to each gold quotation
ALIKE = 0.75  # share of the decisions that two checkpoints of one base have in common
SLICES = ("direct", "indirect", "mixed", "omitted subject", "outlet a", "outlet b", "outlet c")
SHARES = (0.32, 0.53, 0.15)  # of the types


@dataclass(frozen=True)
class Quality:
    """What a candidate has more of than the champion: in all quotations, or in one slice."""

    found: float = 0.0
    right: float = 0.0
    exact: float = 0.0
    slice: str | None = None


def verdict(rng: np.random.Generator, articles: int, quality: Quality, *, same_labels: bool = False) -> Verdict:
    """Of one retraining on one gold of so many articles."""
    counts = rng.poisson(6.5, articles)
    of_article = np.repeat(np.arange(articles), counts)
    total = len(of_article)
    hard = np.repeat(rng.normal(0, 0.06, articles), counts)  # quotations of one article are alike
    kind = rng.choice(3, total, p=SHARES)
    inside = {name: kind == number for number, name in enumerate(SLICES[:3])}
    inside["omitted subject"] = rng.random(total) < 0.15
    outlet = np.repeat(rng.choice(3, articles), counts)
    inside |= {name: outlet == number for number, name in enumerate(SLICES[4:])}
    touched = inside[quality.slice] if quality.slice else np.ones(total, bool)

    chances = [FOUND, RIGHT, EXACT]
    better = [quality.found, quality.right, quality.exact]
    champion_luck = rng.random((3, total))
    shared = rng.random((3, total)) < ALIKE
    candidate_luck = np.where(shared, champion_luck, rng.random((3, total)))
    alarms = rng.random((2, total)) < ALARMS
    alarms[1] = np.where(rng.random(total) < ALIKE, alarms[0], alarms[1])

    earned = []
    for system, luck in enumerate((champion_luck, candidate_luck)):
        found, right, exact = (
            draw < np.clip(chance + hard + (gain * touched if system else 0), 0, 1)
            for draw, chance, gain in zip(luck, chances, better, strict=True)
        )
        hits = {"who": found & right, "found": found, "exact": found & exact}
        predicted = found + alarms[system].astype(int)
        all_of_it = np.ones(total, bool)
        measures = {name: _table(of_article, articles, hit, predicted, all_of_it) for name, hit in hits.items()}
        slices = {name: _table(of_article, articles, hits["who"], predicted, inside[name]) for name in SLICES}
        earned.append((measures, slices))
    (champion, theirs), (candidate, ours) = earned
    pairs = {name: (theirs[name], ours[name]) for name in SLICES}
    return judge(champion, candidate, pairs, same_answers=False, same_labels=same_labels)


def _table(of_article: Numbers, articles: int, hit: Numbers, predicted: Numbers, inside: Numbers) -> Numbers:
    columns = [
        np.bincount(of_article, weights=values * inside, minlength=articles) for values in (hit, predicted, inside)
    ]
    return np.stack([columns[0], columns[0], columns[1], columns[2]], axis=-1)
