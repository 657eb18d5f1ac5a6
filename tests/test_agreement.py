"""Agreement is the same from both sides, counts what it says, and an adjudicated reading wins."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from extractor.document import Document
from extractor.quotation import Quotation, QuotationType, Span, Speaker, SpeakerKind
from review.agreement import (
    Agreement,
    Difference,
    Reading,
    agreement,
    as_dict,
    by_reviewers,
    decided,
    disagreement,
    disagreements,
    table,
)
from tests.stories import ACTIVIST, HEALTH, articles

STORIES = list(articles(30))
STORY = next(story for story in STORIES if len(story.quotations) >= 3)
DOCUMENT = STORY.document
FIRST, SECOND, *REST = STORY.quotations
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def reading(reviewer: str, *quotations: Quotation, adjudicated: bool = False, hours: int = 0) -> Reading:
    return Reading(DOCUMENT, reviewer, quotations, adjudicated, NOON + timedelta(hours=hours))


ALL = reading("أحمد", *STORY.quotations)


def shortened(quotation: Quotation) -> Quotation:
    (first, *rest) = quotation.content
    return replace(quotation, content=(Span(first.start, first.end - 3), *rest))


someones = st.lists(st.sampled_from([*STORY.quotations, *map(shortened, STORY.quotations)]), max_size=5).map(tuple)


@given(someones, someones)
def test_agreement_is_the_same_from_both_sides(one: tuple[Quotation, ...], other: tuple[Quotation, ...]) -> None:
    there, back = agreement(DOCUMENT, one, other), agreement(DOCUMENT, other, one)
    assert (there.found, there.speaker) == (back.found, back.speaker)
    assert 0 <= disagreement(DOCUMENT, one, other) == disagreement(DOCUMENT, other, one) <= 1
    assert disagreement(DOCUMENT, one, one) == 0


def test_disagreement_from_nothing_to_everything() -> None:
    assert disagreement(DOCUMENT, (), ()) == 0
    assert disagreement(DOCUMENT, STORY.quotations, ()) == 1
    assert disagreement(DOCUMENT, (FIRST, SECOND), (FIRST,)) == pytest.approx(1 / 3)
    stranger = replace(FIRST, speaker=Speaker("رجل آخر", SpeakerKind.PERSON))
    assert disagreement(DOCUMENT, (FIRST,), (stranger,)) == 1


def test_a_reviewer_who_lists_fewer_wordings_agrees() -> None:
    full = replace(FIRST, speaker=Speaker("سامر الحلبي", SpeakerKind.PERSON, ("رئيس الهيئة", "الحلبي")))
    short = replace(FIRST, speaker=Speaker("رئيس الهيئة", SpeakerKind.PERSON))
    assert agreement(DOCUMENT, (full,), (short,)).speaker == agreement(DOCUMENT, (short,), (full,)).speaker == 1


def test_what_differs_is_listed() -> None:
    other_type = QuotationType.MIXED
    theirs = reading(
        "هدى", shortened(FIRST), replace(SECOND, type=other_type, speaker=Speaker("رجل آخر", SpeakerKind.PERSON))
    )
    found = disagreements([theirs, reading("أحمد", FIRST, SECOND, REST[0])])
    assert [one.differences for one in found] == [
        (Difference.CONTENT,),
        (Difference.SPEAKER, Difference.TYPE),
        (Difference.MISSING,),
    ]
    assert found[2].first == REST[0]
    assert found[2].second is None
    assert found[0].reviewers == ("أحمد", "هدى")


def test_figures_by_pair_of_reviewers() -> None:
    other = STORIES[0] if STORIES[0] is not STORY else STORIES[1]
    readings = [
        ALL,
        reading("هدى", *STORY.quotations[:-1]),
        reading("ريم"),
        Reading(other.document, "أحمد", ()),
        Reading(other.document, "ريم", ()),
        reading("الحكم", FIRST, adjudicated=True),
    ]
    figures = by_reviewers(readings)
    assert list(figures) == [("أحمد", "ريم"), ("أحمد", "هدى"), ("ريم", "هدى")]
    n = len(STORY.quotations)
    assert figures["أحمد", "هدى"] == Agreement(1, 0, n, n - 1, n - 1, n - 1, n - 1, n - 1)
    assert figures["أحمد", "ريم"] == Agreement(articles=2, empty=1, first=n)
    assert figures["أحمد", "ريم"].f1(0) == 0
    assert Agreement().f1(0) == 1


def test_only_the_last_reading_of_a_reviewer_counts() -> None:
    readings = [reading("هدى", hours=2), reading("هدى", *STORY.quotations, hours=1), reading("أحمد")]
    assert by_reviewers(readings)["أحمد", "هدى"].empty == 1


def test_which_reading_holds() -> None:
    theirs = replace(ALL, reviewer="هدى")
    assert decided([]) is None
    assert decided([ALL]) == ALL
    assert decided([theirs, ALL]) in (ALL, theirs)
    assert decided([ALL, reading("هدى", FIRST)]) is None
    final = reading("الحكم", SECOND, adjudicated=True, hours=-5)
    later = reading("الحكم", FIRST, adjudicated=True, hours=-4)
    assert decided([ALL, later, final, reading("هدى", FIRST, hours=3)]) == later


def test_table_and_json() -> None:
    readings = [ALL, reading("هدى", FIRST), reading("ريم")]
    output = io.StringIO()
    Console(file=output, width=140).print(table(by_reviewers(readings)))
    assert "أحمد, هدى" in output.getvalue()
    assert "all" in output.getvalue()
    record = json.loads(json.dumps(as_dict(readings), ensure_ascii=False))
    assert record["agreement"][0]["reviewers"] == ["أحمد", "ريم"]
    assert len(record["disagreements"]) == len(disagreements(readings))
    content = record["disagreements"][0]["readings"]["أحمد"]["content"][0]
    assert content["text"] == DOCUMENT.raw[content["start"] : content["end"]]


def test_another_article_is_not_compared() -> None:
    other = Document("other", DOCUMENT.raw + " ")
    assert by_reviewers([ALL, Reading(other, "هدى", (replace(FIRST, speaker=HEALTH),))]) == {}
    assert disagreements([ALL, Reading(other, "هدى", (replace(FIRST, speaker=ACTIVIST),))]) == []
