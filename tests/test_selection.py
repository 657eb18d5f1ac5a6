"""The right number, each once, the same each time, in the shares asked for, and spread where it should be."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractor.document import Document
from extractor.quotation import QuotationType
from review.selection import Candidate, Reason, Shares, select
from tests.test_near_duplicates import TEXTS

_WORDS = sorted({word for text in TEXTS for word in text.split()})

SHARES = st.builds(Shares, *[st.integers(1, 9).map(float)] * 4)


def candidate(number: int, *, disagreement: float = 0.0) -> Candidate:
    rng = random.Random(number)
    text = " ".join(rng.choices(_WORDS, k=rng.randint(20, 60)))
    return Candidate(
        Document(f"article-{number}", text),
        types=tuple(rng.choices(list(QuotationType), k=rng.randint(0, 4))),
        uncertainty=rng.random(),
        outlet=rng.choice(["الشمال", "الميناء", "المدينة"]),
        disagreement=disagreement,
    )


CANDIDATES = [candidate(number) for number in range(200)]
some = st.lists(st.sampled_from(CANDIDATES), max_size=30)


def ids(chosen: list[Candidate]) -> list[str]:
    return [one.document.id for one in chosen]


@settings(max_examples=50)
@given(some, st.integers(0, 40), SHARES, st.integers(0, 5))
def test_the_right_number_each_once_in_any_order(
    candidates: list[Candidate], count: int, shares: Shares, seed: int
) -> None:
    choices = select(candidates, count, shares, seed)
    chosen = ids([choice.candidate for choice in choices])
    assert len(chosen) == len(set(chosen)) == min(count, len({one.document.id for one in candidates}))
    assert choices == select(candidates[::-1], count, shares, seed)


@settings(max_examples=30)
@given(SHARES, st.integers(1, 100))
def test_shares_are_kept(shares: Shares, count: int) -> None:
    candidates = [replace(one, disagreement=0.5) for one in CANDIDATES]
    reasons = Counter(choice.reason for choice in select(candidates, count, shares))
    total = shares.uncertain + shares.diverse + shares.random + shares.disagreement
    for reason in Reason:
        assert abs(reasons[reason] - count * getattr(shares, reason) / total) < 1


def test_by_default_60_20_20_where_nothing_is_disputed() -> None:
    reasons = Counter(choice.reason for choice in select(CANDIDATES, 50))
    assert reasons == {Reason.UNCERTAIN: 30, Reason.DIVERSE: 10, Reason.RANDOM: 10}


def test_what_disagreement_cannot_fill_goes_to_the_uncertain() -> None:
    candidates = [*CANDIDATES, candidate(1000, disagreement=0.9)]
    choices = select(candidates, 60)
    reasons = Counter(choice.reason for choice in choices)
    assert reasons == {Reason.UNCERTAIN: 39, Reason.DIVERSE: 10, Reason.RANDOM: 10, Reason.DISAGREEMENT: 1}


def test_uncertain_and_disputed_are_those_at_the_top() -> None:
    candidates = [replace(one, disagreement=i / 200) for i, one in enumerate(CANDIDATES)]
    choices = select(candidates, 40, Shares(1, 0, 0, 1))
    disputed = [choice.candidate for choice in choices if choice.reason is Reason.DISAGREEMENT]
    assert disputed == candidates[:-21:-1]
    rest = [one for one in candidates if one not in disputed]
    uncertain = [choice.candidate for choice in choices if choice.reason is Reason.UNCERTAIN]
    assert uncertain == sorted(rest, key=lambda one: -one.uncertainty)[:20]


def test_copies_are_chosen_once_and_not_after_one_was_seen() -> None:
    text = TEXTS[0]
    copies = [Candidate(Document(f"copy-{i}", f"{text}\nوكالة {i}"), (), 1.0) for i in range(5)]
    original = Candidate(Document("original", f"{text}\nوهذا سطر يجعل منه أطولها"), (), 0.5)
    chosen = select([*copies, original, *CANDIDATES[:5]], 20)
    assert len(chosen) == 6
    assert original in [choice.candidate for choice in chosen]
    assert len(select([*copies, *CANDIDATES[:5]], 20, seen=[original])) == 5
    assert select(CANDIDATES, 20, seen=CANDIDATES) == []


def test_the_random_share_is_the_same_whatever_the_tagger_doubts() -> None:
    def drawn(candidates: list[Candidate]) -> list[str]:
        return ids([choice.candidate for choice in select(candidates, 40) if choice.reason is Reason.RANDOM])

    assert drawn(CANDIDATES) == drawn([replace(one, uncertainty=1 - one.uncertainty) for one in CANDIDATES])
    assert drawn(CANDIDATES) != ids([c.candidate for c in select(CANDIDATES, 40, seed=1) if c.reason is Reason.RANDOM])


def test_diversity_finds_the_odd_ones() -> None:
    """One outlet, one length and one type alone among a hundred alike."""
    alike = [
        Candidate(Document(f"alike-{i}", " ".join(random.Random(i).choices(_WORDS[:60], k=50))), (), 0.5, "الشمال")
        for i in range(100)
    ]
    odd = [
        Candidate(Document("outlet", " ".join(random.Random(200).choices(_WORDS[:60], k=50))), (), 0.0, "الميناء"),
        Candidate(Document("long", " ".join(random.Random(201).choices(_WORDS[:60], k=1600))), (), 0.0, "الشمال"),
        Candidate(Document("type", alike[3].document.raw[::-1]), (QuotationType.DIRECT,), 0.0, "الشمال"),
    ]
    chosen = select([*alike, *odd], 5, Shares(0, 1, 0, 0))
    assert {"outlet", "long", "type"} <= set(ids([choice.candidate for choice in chosen]))


def test_shares_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="weights"):
        Shares(0, 0, 0, 0)
    with pytest.raises(ValueError, match="weights"):
        Shares(uncertain=-1)
