"""The gate: whether a candidate takes the champion's place, from what both earn on the same gold.

Promoted is a candidate that is better in who-said-what, or, having learned from other labels than the champion, not
worse by more than `MARGIN` and better in what else reviewers correct; and none of whose protected slices falls. How
often it is wrong is measured in tests/test_gate.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from extractor.bootstrap import Difference, Numbers, difference, drawn_differences, f1

MARGIN = 0.01
"""Of who-said-what F1: what a candidate may lose, at the worst end of the interval, that is better elsewhere."""

COARSEST = 0.05
"""Of who-said-what F1: gold that cannot show a difference of this size gives no verdict, unless one surely larger."""

LEAST_ARTICLES = 20
"""Fewer are too few to draw from: the interval would be too narrow."""

LEVEL = 0.95
"""Of the interval around the difference in who-said-what."""

OTHER_LEVEL = 0.995
"""Of the intervals around the two other measures, so that both rules together err in less than one case of twenty."""

FALL = 0.05
"""How often, where no slice falls, one is said to, over all slices (Holm 1979)."""

POWER = 2.8
"""Standard deviations that a difference must have to be seen at `LEVEL` in four of five cases (1.96 + 0.84)."""


class Reason(StrEnum):
    BETTER = "better"
    NOT_WORSE = "not worse, and better in something else"
    NO_EVIDENCE = "not shown to be better"
    WORSE = "worse"
    SLICE_FALLS = "a protected slice falls"
    IDENTICAL = "the same answers"
    TOO_COARSE = "the gold is too coarse"


PROMOTING = (Reason.BETTER, Reason.NOT_WORSE)


@dataclass(frozen=True, slots=True)
class Slice:
    """Who-said-what F1 within a slice; ``p``: the share of draws in which it does not fall."""

    name: str
    quotations: int
    difference: float
    p: float
    falls: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """``differences``: candidate less champion in who, found and exact; ``visible``: the smallest difference in
    who-said-what that this gold shows in four of five cases."""

    reason: Reason
    articles: int
    champion: float
    candidate: float
    differences: tuple[Difference, ...]
    visible: float
    slices: tuple[Slice, ...]

    @property
    def is_promotion(self) -> bool:
        return self.reason in PROMOTING

    def __str__(self) -> str:
        who = self.differences[0]
        said = (
            f"{self.reason}: who-said-what F1 {self.champion:.3f} -> {self.candidate:.3f} "
            f"({who.difference:+.3f}, 95% {who.low:+.3f} to {who.high:+.3f}) on {self.articles} gold articles, "
            f"which show differences from {self.visible:.3f}"
        )
        fallen = [f"{s.name} {s.difference:+.3f}" for s in self.slices if s.falls]
        return f"{said}; falls: {', '.join(fallen)}" if fallen else said

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "reason": self.reason.value,
            "gold_articles": self.articles,
            "champion": self.champion,
            "candidate": self.candidate,
            "differences": {found.measure: asdict(found) for found in self.differences},
            "smallest_visible_difference": self.visible,
            "slices": [asdict(part) for part in self.slices],
        }


def judge(
    champion: Mapping[str, Numbers],
    candidate: Mapping[str, Numbers],
    slices: Mapping[str, tuple[Numbers, Numbers]],
    *,
    same_answers: bool,
    same_labels: bool,
    coarsest: float = COARSEST,
    margin: float = MARGIN,
) -> Verdict:
    """From credits by measure (``who``, ``found``, ``exact``; articles × 4), and those of both by slice.

    ``same_answers``: both say the same of every article; ``same_labels``: both have learned from the same.
    """
    who = difference("who", candidate["who"], champion["who"], LEVEL)
    others = [difference(name, candidate[name], champion[name], OTHER_LEVEL) for name in ("found", "exact")]
    judged = _judged(slices)
    visible = POWER * who.spread
    articles = len(champion["who"])
    if same_answers:
        reason = Reason.IDENTICAL
    elif articles < LEAST_ARTICLES:
        reason = Reason.TOO_COARSE
    elif who.high < 0:
        reason = Reason.WORSE
    elif visible > coarsest and who.low <= coarsest:
        reason = Reason.TOO_COARSE
    elif any(part.falls for part in judged):
        reason = Reason.SLICE_FALLS
    elif who.low > 0:
        reason = Reason.BETTER
    elif not same_labels and who.low > -margin and any(other.low > 0 for other in others):
        reason = Reason.NOT_WORSE
    else:
        reason = Reason.NO_EVIDENCE
    return Verdict(
        reason,
        articles,
        float(f1(champion["who"].sum(0))),
        float(f1(candidate["who"].sum(0))),
        (who, *others),
        visible,
        judged,
    )


def _judged(slices: Mapping[str, tuple[Numbers, Numbers]]) -> tuple[Slice, ...]:
    """Holm's procedure: the surest fall must be sure enough for all slices, the next for the others, and so on."""
    found = []
    for name, (champion, candidate) in slices.items():
        drawn = drawn_differences(candidate, champion)
        change = float(f1(candidate.sum(0)) - f1(champion.sum(0)))
        found.append((float(np.mean(drawn >= 0)), name, int(champion[:, 3].sum()), change))
    found.sort()
    judged, falling = [], True
    for rank, (p, name, quotations, change) in enumerate(found):
        falling = falling and change < 0 and p <= FALL / (len(found) - rank)
        judged.append(Slice(name, quotations, change, p, falling))
    return tuple(judged)
