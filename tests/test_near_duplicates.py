"""Copies are found however they were changed, different articles are not; the order of the texts changes nothing."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.near_duplicates import CHANGES, Change
from review.near_duplicates import Shingles, containment, groups, nearest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "seeds" / "examples.jsonl"
CORPUS = ROOT / ".." / "shared" / "corpus" / "ant-3.jsonl.xz"

TEXTS = [json.loads(line)["text"] for line in EXAMPLES.read_text("utf-8").split("\n") if line]
texts = st.lists(st.text(alphabet="ابتث \n.", max_size=60), max_size=12)


def test_examples_are_no_copies_of_one_another() -> None:
    assert groups(TEXTS) == list(range(len(TEXTS)))


@pytest.mark.parametrize("change", CHANGES)
def test_copies_are_found(change: Change) -> None:
    rng = random.Random(3)
    copies = [change(text, rng, TEXTS) for text in TEXTS]
    found = groups(TEXTS + copies)[len(TEXTS) :]
    assert sum(leader == at for at, leader in enumerate(found)) >= 0.97 * len(TEXTS)


def test_spelling_and_marks_make_no_difference() -> None:
    text = "قال الوزير إن الأسعار ستنخفض قريبا في كل المدن."
    other = "قـال الوَزير «ان الاسعار» ستنخفض، قريباً في كلّ المدن"
    shingles = Shingles()
    assert containment(shingles.of(text), shingles.of(other)) == 1.0


def test_what_all_share_makes_no_copies() -> None:
    """An outlet's dateline and its words about itself around short articles."""
    notice = "جميع الحقوق محفوظة لدى وكالة الشمال ولا يجوز نقل أي مادة دون إذن مكتوب من إدارة التحرير في الوكالة"
    short = [" ".join(random.Random(i).choices("قال عاد زار وصل فاز خسر أعلن بحث".split(), k=12)) for i in range(60)]
    assert len(set(groups([f"{text}\n{notice}" for text in short]))) == 60


def test_a_story_in_a_hundred_copies_is_one() -> None:
    assert set(groups([f"{TEXTS[0]}\nطبعة {i}" for i in range(100)])) == {0}


@given(texts)
def test_a_leader_comes_first_and_leads_itself(given_texts: list[str]) -> None:
    found = groups(given_texts)
    assert all(leader <= at and found[leader] == leader for at, leader in enumerate(found))
    assert found == groups(given_texts)


@given(st.text(max_size=80), st.text(max_size=80))
def test_containment_is_a_share_and_the_same_from_both_sides(one: str, other: str) -> None:
    shingles = Shingles()
    first, second = shingles.of(one), shingles.of(other)
    assert 0 <= containment(first, second) == containment(second, first) <= 1
    assert not len(first) or containment(first, first) == 1


def test_the_nearest_is_found_among_many() -> None:
    rng = random.Random(5)
    edited = next(change for change in CHANGES if change.__name__ == "edited")
    copies = [edited(text, rng, TEXTS) for text in TEXTS[:20]]
    found = nearest(copies, TEXTS)
    assert [near.position if near else None for near in found] == list(range(20))
    assert nearest(["نص لا يشبه شيئا مما سبق من الأخبار كلها"], TEXTS) == [None]
    assert nearest([], TEXTS) == []
    assert nearest(["نص"], []) == [None]


@pytest.mark.slow
@pytest.mark.skipif(not CORPUS.exists(), reason="the shared corpus is not here")
def test_real_news_with_copies() -> None:
    from benchmarks.near_duplicates import articles

    originals = list(articles([str(CORPUS)]))
    rng = random.Random(1)
    chosen = rng.sample(range(len(originals)), 300)
    copies = [rng.choice(CHANGES)(originals[at], rng, originals) for at in chosen]
    leaders = groups(originals + copies)
    found = sum(leaders[at] == leader for at, leader in zip(chosen, leaders[len(originals) :], strict=True))
    assert found >= 0.95 * len(chosen)
