"""Cleaning never loses the way back to the raw text."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from extractor.quotation import Span
from extractor.text import clean, fold

GOLD = Path(__file__).parents[2] / "shared" / "gold"

WORDS = ["قالَ", "وَزِيرٌ", "الرئيـــس", "مُحَمَّدٌ", "إنّ", "ﻷﻣﺮ", "ﷺ", "ﺑﻴﺎن", "٢٠١٥", "۱۲", "ایران", "کتاب", "ٱلله"]
MARKS = ["َ", "ّ", "ٰ", "ۖ", "ۥ", "\u0654", "\u0655", "\u0653", "\ufe70", "\ufe71", "\u0301", "ـ", "\ufe0f"]
SEEN = [
    "«",
    "»",
    '"',
    "“",
    "”",
    "،",
    "🙂",
    "👨\u200d👩\u200d👧",
    "❤\ufe0f",
    "🏳️\u200d🌈",
    "e\u0301",
    "a",
    "7",
    ".",
    "\ud83d",
    "\udc00",
]
UNSEEN = [
    "\u200e",
    "\u200f",
    "\u202b",
    "\u202c",
    "\u2066",
    "\u2069",
    "\u200b",
    "\u200d",
    "\ufeff",
    "\u00ad",
    "\0",
    "\x1a",
]
SPACES = [" ", "\t", "\u00a0", "\u2003", "\r\n", "\r", "\n", "\u2028", "\u2029", "\u0085", "\x0b"]

mangled = st.lists(
    st.sampled_from(WORDS + MARKS + SEEN + UNSEEN + SPACES) | st.characters(codec=None), max_size=30
).map("".join)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("قالَ", "قال"),
        ("الرئيـــس", "الرئيس"),
        ("ٱلرَّحْمَٰنِ", "الرحمن"),
        ("ﻻ ﷲ", "لا الله"),
        ("ﺍﻟﻮﺯﻳﺮ", "الوزير"),
        ("ایران کشور", "ايران كشور"),
        ("٢٠١٥ و۱۹", "2015 و19"),
        ("أكد إن آخر مسؤول على مئة", "أكد إن آخر مسؤول على مئة"),
        ("ا\u0654كد ا\u0655ن ا\u0653خر مسو\u064f\u0654ول", "أكد إن آخر مسؤول"),
        ("قال\u200f:\u202b «نعم»\ufeff", "قال: «نعم»"),
        ("a\r\nb\rc\u2028d\u0085e\n", "a\nb\nc\nd\ne\n"),
        ("قال\u00a0الوزير\tاليوم", "قال الوزير اليوم"),
        ("x\0y\x1az\ud800", "xyz\ufffd"),
        ("", ""),
    ],
)
def test_cleaning(raw: str, text: str) -> None:
    assert clean(raw).text == text


@pytest.mark.parametrize(
    ("raw", "words", "covered"),
    [
        ("وقالَ الوزير", "وقال", "وقالَ"),
        ("\u200fقال\u200fَ\u200f الوزير", "قال", "قال\u200fَ"),
        ("عام 1436هـ انتهى", "1436ه", "1436هـ"),
        ("ـ قال", "قال", "قال"),
        ("سنة 2015ـ 2016", "2015", "2015"),
        ("«قال»ـ", "«قال»", "«قال»"),
        ("النبي ﷺ قال", "عليه", "ﷺ"),
        ("جاء ﻷمر", "أمر", "ﻷمر"),
        ("  قال\u00a0 ", "قال", "قال"),
        ("cafe\u0301 x", "\u0301", "e\u0301"),
        ("👨\u200d👩\u200d👧\u200d", "👨👩👧", "👨\u200d👩\u200d👧"),
        ("❤\ufe0f!", "❤", "❤\ufe0f"),
    ],
)
def test_the_way_back(raw: str, words: str, covered: str) -> None:
    cleaned = clean(raw)
    start = cleaned.text.index(words)
    assert cleaned.raw_span(start, start + len(words)).of(raw) == covered


@pytest.mark.parametrize(("start", "end"), [(3, 4), (-1, 2), (2, 2), (0, 9), (5, 4)])
def test_no_way_back_from_nothing(start: int, end: int) -> None:
    with pytest.raises(ValueError, match=r"white space|not a span"):
        clean("قال نعم").raw_span(start, end)


@given(mangled)
@example("قالَ\r\n")
@example("e\u0301\u200fَ")
def test_offsets_lead_back(raw: str) -> None:
    cleaned = clean(raw)
    assert len(cleaned.offsets) == len(cleaned.text)
    assert np.all(np.diff(cleaned.offsets) >= 0)
    assert not len(cleaned.offsets) or 0 <= cleaned.offsets[0] <= cleaned.offsets[-1] < len(raw)
    assert clean(cleaned.text).text == cleaned.text
    cleaned.text.encode("utf-8")


@given(mangled, st.data())
def test_every_span_finds_back_to_whole_visible_letters(raw: str, data: st.DataObject) -> None:
    cleaned = clean(raw)
    if not cleaned.text:
        return
    start = data.draw(st.integers(0, len(cleaned.text) - 1))
    end = data.draw(st.integers(start + 1, len(cleaned.text)))
    if not cleaned.text[start:end].strip():
        return
    span = cleaned.raw_span(start, end)
    assert span.end <= len(raw)
    covered = span.of(raw)
    assert covered == covered.strip()
    assert clean(covered[0]).text
    assert cleaned.text[start:end].strip() in clean(covered).text
    assert not re.match("[\u064b-\u0652\u0301\u0640\ufe0f]", raw[span.end :]) or not unicodedata.category(
        covered[-1]
    ).startswith("L")


@given(mangled, st.data())
def test_words_are_the_same_from_raw_as_from_clean(raw: str, data: st.DataObject) -> None:
    cleaned = clean(raw)
    words = list(re.finditer(r"\S+", cleaned.text))
    if not words:
        return
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    start, end = words[first].start(), words[last].end()
    span = cleaned.raw_span(start, end)
    if any(char in raw[span.start : span.end] for char in "\ufdfa\ufdfb"):
        return  # a ligature of several words is kept whole
    assert clean(span.of(raw)).text == cleaned.text[start:end]
    assert cleaned.clean_span(span) == Span(start, end)


def test_nothing_clean_is_left_of_a_dropped_span() -> None:
    assert clean("قال\u200f\u200f نعم").clean_span(Span(3, 5)) is None


def test_gold_spans_come_back_as_they_were_marked() -> None:
    path = GOLD / "dev.jsonl"
    if not path.exists():
        pytest.skip("needs the gold articles beside the repository")
    for line in path.read_text("utf-8").split("\n"):
        if not line:
            continue
        record = json.loads(line)
        cleaned = clean(record["text"])
        for statement in record["statements"]:
            for start, end in [*statement["content"], *([statement["cue"]] if statement["cue"] else [])]:
                span = cleaned.clean_span(Span(start, end))
                assert span
                assert cleaned.raw_span(span.start, span.end) == Span(start, end)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("أحمد الأسعد", "احمد  الاسعد"),
        ("مُصطفى", "مصطفي"),
        ("وزارة الخارجيّة", "وزاره الخارجية"),
        ("مسؤول", "مسوول"),
        ("إيران ٢٠١٥", "ایران 2015"),
        ("Reuters", "REUTERS"),
        (" مــحمد\n", "محمد"),
    ],
)
def test_two_spellings_of_one_name(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@given(mangled)
def test_folding_twice_changes_nothing(raw: str) -> None:
    assert fold(fold(raw)) == fold(raw)
