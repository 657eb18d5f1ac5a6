"""The gate's errors, counted: what it lets through that is no better, and what it refuses that is."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractor.bootstrap import Numbers
from extractor.document import Document
from extractor.gold import GoldArticle
from review.gate import PROMOTING, Reason, Verdict, judge
from review.slices import credits_by_measure, credits_by_slice
from tests.gold_counts import Quality, verdict
from tests.stories import QUOTED, SPOKE, article, articles

EQUAL = Quality()


def verdicts(runs: int, quality: Quality, size: int = 150, *, same_labels: bool = False) -> list[Verdict]:
    rng = np.random.default_rng(11)
    return [verdict(rng, size, quality, same_labels=same_labels) for _ in range(runs)]


def promoted(found: list[Verdict]) -> float:
    return sum(one.is_promotion for one in found) / len(found)


@pytest.mark.parametrize("size", [30, 60, 150])
def test_an_equal_candidate_is_promoted_in_less_than_one_case_of_twenty(size: int) -> None:
    found = verdicts(200, EQUAL, size)
    assert promoted(found) <= 1 / 20
    # Nor does noise in seven slices block everything.
    assert Counter(one.reason for one in found)[Reason.SLICE_FALLS] <= 0.1 * len(found)


def test_a_worse_candidate_is_refused_twenty_times_of_twenty() -> None:
    assert promoted(verdicts(20, Quality(found=-0.02))) == 0
    assert promoted(verdicts(20, Quality(right=-0.3))) == 0


def test_a_better_candidate_is_mostly_promoted() -> None:
    found = verdicts(40, Quality(found=0.03, right=0.018))  # three points of who-said-what
    assert promoted(found) >= 0.85
    assert np.mean([one.visible for one in found]) < 0.03


def test_harm_to_one_slice_does_not_pass() -> None:
    found = verdicts(20, Quality(found=-0.25, slice="mixed"))
    assert promoted(found) == 0
    assert any(part.falls and part.name == "mixed" for one in found for part in one.slices)


def counts(*rows: tuple[int, int, int]) -> Numbers:
    """Hits, predicted and gold of each article."""
    return np.array([(hits, hits, predicted, gold) for hits, predicted, gold in rows], float)


def judged(champion: Numbers, candidate: Numbers, slices: dict[str, tuple[Numbers, Numbers]] | None = None) -> Verdict:
    theirs, ours = (dict.fromkeys(("who", "found", "exact"), own) for own in (champion, candidate))
    return judge(theirs, ours, slices or {}, same_answers=np.array_equal(champion, candidate), same_labels=False)


RIGHT, WRONG = (5, 5, 5), (2, 5, 5)


@pytest.mark.parametrize(
    ("champion", "candidate", "reason"),
    [
        ([RIGHT] * 30, [RIGHT] * 30, Reason.IDENTICAL),
        ([WRONG] * 30, [RIGHT] * 30, Reason.BETTER),
        ([RIGHT] * 30, [WRONG] * 30, Reason.WORSE),
        ([WRONG] * 19, [RIGHT] * 19, Reason.TOO_COARSE),
        ([RIGHT, WRONG] * 15, [WRONG, RIGHT] * 15, Reason.TOO_COARSE),
        ([RIGHT] * 199 + [WRONG], [WRONG] + [RIGHT] * 199, Reason.NO_EVIDENCE),
    ],
)
def test_verdicts(champion: list[tuple[int, int, int]], candidate: list[tuple[int, int, int]], reason: Reason) -> None:
    found = judged(counts(*champion), counts(*candidate))
    assert found.reason is reason
    assert str(found).startswith(reason)
    assert found.is_promotion == (reason in PROMOTING)


def test_a_falling_slice_stops_a_better_candidate() -> None:
    champion, candidate = counts(*[WRONG] * 60), counts(*[RIGHT] * 60)
    found = judged(champion, candidate, {"mixed": (candidate, champion), "direct": (champion, candidate)})
    assert found.reason is Reason.SLICE_FALLS
    assert "falls: mixed -0.600" in str(found)
    assert [part.name for part in found.slices if part.falls] == ["mixed"]


article_counts = st.tuples(st.integers(0, 6), st.integers(0, 3), st.integers(0, 3)).map(
    lambda n: (n[0], n[0] + n[1], n[0] + n[2])
)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(article_counts, article_counts), min_size=20, max_size=40))
def test_who_wins_one_way_loses_the_other(pairs: list[tuple[tuple[int, int, int], tuple[int, int, int]]]) -> None:
    one, other = (counts(*rows) for rows in zip(*pairs, strict=True))
    there, back = judged(one, other), judged(other, one)
    assert not (there.is_promotion and back.is_promotion)
    assert there.differences[0].difference == pytest.approx(-back.differences[0].difference)
    assert there.visible == pytest.approx(back.visible)


def test_slices_hold_what_they_say() -> None:
    gold = list(articles(12))
    truth = {a.document.sha256: a.quotations for a in gold}
    for found in (credits_by_measure(gold, truth), credits_by_slice(gold, truth)):
        assert all((own[:, 0] == own[:, 3]).all() and (own[:, 2] == own[:, 3]).all() for own in found.values())
    slices = credits_by_slice(gold, truth)
    total = sum(len(a.quotations) for a in gold)
    assert slices["direct"][:, 3].sum() + slices["indirect"][:, 3].sum() == total
    assert slices["outlet invented"][:, 3].sum() == total
    assert "mixed" not in slices  # it has no gold
    assert slices["omitted subject"][:, 3].sum() == sum(q.source is None for a in gold for q in a.quotations)


def test_a_false_alarm_costs_the_slice_that_it_looks_like() -> None:
    told = article("told", [SPOKE, QUOTED])
    empty = GoldArticle(Document("empty", told.document.raw), "", ())
    alarm = {told.document.sha256: told.quotations}
    slices = credits_by_slice([told, empty], alarm)
    assert slices["indirect"].tolist() == slices["direct"].tolist() == [[1, 1, 1, 1], [0, 0, 1, 0]]
