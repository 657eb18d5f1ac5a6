"""The output contract: offsets are code points of the text as read, and ``text`` is exactly what stands there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from extractor.annotation import Annotation, annotation_as_dict, quotation_id
from extractor.document import Document
from extractor.pipeline import Extractor
from extractor.quotation import Quotation, QuotationType, Span, Speaker, SpeakerKind
from tests.mangled import mangled, mangled_article
from tests.stories import articles

MINISTER = Speaker("سامر الحلبي", SpeakerKind.PERSON, ("الوزير", "الحلبي"))


def spans(quotation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from quotation["content"]
    yield from (quotation[key] for key in ("cue", "source") if quotation[key])
    for place in quotation.get("repeats", []):
        yield from place


def check_contract(document: Document, record: dict[str, Any]) -> None:
    raw = document.raw
    for quotation in record["quotations"]:
        for span in spans(quotation):
            assert 0 <= span["start"] < span["end"] <= len(raw)
            assert span["text"] == raw[span["start"] : span["end"]]
            assert span["text"] == span["text"].strip()
        for parts in (quotation["content"], *quotation.get("repeats", [])):
            assert all(a["end"] <= b["start"] for a, b in pairwise(parts))
        for speaker in (quotation["speaker"], quotation["via"]):
            assert speaker is None or (speaker["name"] in raw and all(m in raw for m in speaker["mentions"]))
        assert 0 <= quotation["confidence"] <= 1
    ids = [quotation["id"] for quotation in record["quotations"]]
    assert len(set(ids)) == len(ids)
    starts = [quotation["content"][0]["start"] for quotation in record["quotations"]]
    assert starts == sorted(starts)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mangled_article | mangled)
@example("قالَ ﷺ وَزِيرٌ إنّ ﻷﻣﺮ «👨\u200d👩\u200d👧» \u2028e\u0301 ٱلله\u200f.\r\nوأضاف أن ﷲ ﷺ قال.\x85«نعم ‹لا› نعم».")
@example("\ufeffقال \u202bوزير\u202c إن\u00a0الأمر «واضح\u2029جدا»" * 6)
def test_text_is_what_stands_there_whatever_stands_there(talkative: Extractor, raw: str) -> None:
    document = Document("mangled", raw)
    (annotation,) = talkative.annotate([document])
    record = annotation_as_dict(annotation)
    check_contract(document, record)
    (again,) = talkative.annotate([document])
    assert annotation_as_dict(again) == record
    assert json.loads(json.dumps(record)) == record
    assert json.loads(json.dumps(record, ensure_ascii=False)) == record


def test_mangled_articles_give_quotations_to_check(talkative: Extractor) -> None:
    """Else the test above would be empty."""
    raw = (
        "قالَ ﷺ وَزِيرٌ إنّ ﻷﻣﺮ «👨\u200d👩\u200d👧» e\u0301 ٱلله قال وزير له.\r\n"
        "وأضافَ أن الرئيـــس \u202bلـوزارة\u202c قالَ لا.\u2028«نعم» قالَ وزيرٌ له ثم قال نعم."
    )
    assert len(talkative.quotations(raw)) > 3


def test_articles_and_their_long_windows_hold_the_contract(talkative: Extractor, texts: list[str]) -> None:
    for raw in texts[:5]:
        document = Document("seed", raw)
        (annotation,) = talkative.annotate([document])
        record = annotation_as_dict(annotation)
        assert len(record["quotations"]) > 20
        check_contract(document, record)


def test_json_lines_survive_separators_inside_the_text(trained: Extractor) -> None:
    """A line separator is no end of a line of JSON Lines."""
    raw = "\u2028".join(made.document.raw.replace("\n", "\u2028") for made in articles(3))
    (annotation,) = trained.annotate([Document("lines", raw, title="خبر\u2028عاجل\x85")])
    record = annotation_as_dict(annotation, with_text=True)
    assert record["quotations"]
    assert record["text"] == raw
    for ascii_only in (True, False):
        line = json.dumps(record, ensure_ascii=ascii_only)
        assert "\n" not in line
        assert json.loads((line + "\n").split("\n")[0]) == record


RAW = "قال الوزير: «نعم»، ثم قال: «نعم». كذا"
FULL = Quotation(
    QuotationType.DIRECT,
    (Span(13, 16),),
    cue=Span(0, 3),
    source=Span(4, 10),
    speaker=MINISTER,
    via=Speaker("الوكالة", SpeakerKind.ORGANIZATION),
    confidence=0.123456,
    repeats=((Span(28, 31),),),
)


def test_the_shape_of_the_output() -> None:
    document = Document("d1", RAW, path="news/d1.txt", title="خبر")
    record = annotation_as_dict(Annotation(document, "starter", (FULL,)))
    assert record == {
        "id": "d1",
        "path": "news/d1.txt",
        "sha256": document.sha256,
        "title": "خبر",
        "checkpoint": "starter",
        "quotations": [
            {
                "id": quotation_id(document, FULL),
                "type": "direct",
                "content": [{"start": 13, "end": 16, "text": "نعم"}],
                "cue": {"start": 0, "end": 3, "text": "قال"},
                "source": {"start": 4, "end": 10, "text": "الوزير"},
                "speaker": {"name": "سامر الحلبي", "kind": "person", "mentions": ["الوزير", "الحلبي"]},
                "via": {"name": "الوكالة", "kind": "organization", "mentions": []},
                "confidence": 0.1235,
                "repeats": [[{"start": 28, "end": 31, "text": "نعم"}]],
            }
        ],
    }


def test_what_is_not_there_is_null() -> None:
    bare = Quotation(QuotationType.INDIRECT, (Span(13, 16),))
    (record,) = annotation_as_dict(Annotation(Document("d1", RAW), "starter", (bare,)))["quotations"]
    assert [record[key] for key in ("cue", "source", "speaker", "via")] == [None] * 4
    assert "repeats" not in record


def test_no_quotations_is_an_empty_list() -> None:
    record = annotation_as_dict(Annotation(Document("d1", ""), "starter", ()))
    assert record["quotations"] == []
    assert "text" not in record


@pytest.mark.parametrize(
    "same",
    [
        replace(FULL, confidence=0.9),
        replace(FULL, speaker=None),
        replace(FULL, type=QuotationType.MIXED),
        replace(FULL, repeats=()),
        replace(FULL, source=None),
    ],
)
def test_the_id_is_that_of_the_words_not_of_what_is_thought_of_them(same: Quotation) -> None:
    document = Document("d1", RAW)
    assert quotation_id(document, same) == quotation_id(document, FULL)
    assert quotation_id(Document("other", RAW, path="else.txt"), same) == quotation_id(document, FULL)


@pytest.mark.parametrize("other", [replace(FULL, content=(Span(28, 31),)), replace(FULL, cue=None)])
def test_other_words_have_another_id(other: Quotation) -> None:
    document = Document("d1", RAW)
    assert quotation_id(document, other) != quotation_id(document, FULL)
    assert quotation_id(Document("d1", RAW + " "), FULL) != quotation_id(document, FULL)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), min_size=1, max_size=4))
def test_ids_have_sixteen_digits(pairs: list[tuple[int, int]]) -> None:
    quotation = Quotation(QuotationType.INDIRECT, tuple(Span(start, start + size) for start, size in pairs))
    identifier = quotation_id(Document("d1", RAW), quotation)
    assert len(identifier) == 16
    assert int(identifier, 16) >= 0
