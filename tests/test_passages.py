"""Words keep their places; windows fit, overlap and share out the words."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from extractor.passages import PARAGRAPH_END, Words, lines, split, split_words, windows
from extractor.quotation import Span
from extractor.text import clean
from tests.mangled import mangled

LONGEST = 16


def words_of(raw: str) -> Words:
    return split_words(raw, lines(raw))


@given(
    st.lists(st.integers(1, LONGEST), max_size=300),
    st.integers(LONGEST, 200),
    st.sampled_from([0.0, 0.2, 0.4, 0.6]),
)
@example([1, 16, 16], 16, 0.4)  # the second word once fell between two windows
def test_every_word_is_owned_once_by_a_window_that_fits(pieces: list[int], limit: int, overlap: float) -> None:
    found = windows(pieces, limit, overlap)
    owned = [word for window in found for word in range(window.owns_from, window.owns_to)]
    assert owned == list(range(len(pieces)))
    for window in found:
        assert 0 <= window.first < window.end <= len(pieces)
        assert window.first <= window.owns_from <= window.owns_to <= window.end
        assert sum(pieces[window.first : window.end]) <= limit


@given(st.lists(st.integers(1, 4), min_size=150, max_size=500), st.integers(60, 150))
def test_an_owned_word_stands_amid_its_surroundings(pieces: list[int], limit: int) -> None:
    """Within a fifth of a window from an edge, give or take a word, only where the article ends there."""
    for window in windows(pieces, limit):
        before = sum(pieces[window.first : window.owns_from])
        after = sum(pieces[window.owns_to : window.end])
        assert window.first == 0 or before >= limit * 0.2 - 8
        assert window.end == len(pieces) or after >= limit * 0.2 - 8


def test_what_fits_is_one_window() -> None:
    (window,) = windows([2, 3, 5], 10)
    assert (window.first, window.end, window.owns_from, window.owns_to) == (0, 3, 0, 3)
    assert windows([], 10) == []


def test_a_word_longer_than_a_window_is_an_error() -> None:
    with pytest.raises(ValueError, match="a word of 9 pieces does not fit a window of 8"):
        windows([1, 9], 8)


@given(mangled)
def test_words_stand_in_order_and_share_no_place(raw: str) -> None:
    words = words_of(raw)
    assert len(words.texts) == len(words.starts) == len(words.ends)
    for i, text in enumerate(words.texts):
        if text == PARAGRAPH_END:
            assert words.starts[i] == words.ends[i]
        else:
            covered = raw[words.starts[i] : words.ends[i]]
            assert covered
            assert covered == covered.strip()
            assert text == text.strip()
    assert all(words.ends[i] <= words.starts[i + 1] for i in range(len(words) - 1))


@given(mangled)
def test_a_word_is_what_its_place_reads_as(raw: str) -> None:
    words = words_of(raw)
    for i, text in enumerate(words.texts):
        if text != PARAGRAPH_END:
            assert text in clean(raw[words.starts[i] : words.ends[i]]).text


@given(mangled, st.data())
def test_span_and_covering_undo_each_other(raw: str, data: st.DataObject) -> None:
    words = words_of(raw)
    solid = [i for i, text in enumerate(words.texts) if text != PARAGRAPH_END]
    if not solid:
        return
    first = data.draw(st.sampled_from(solid))
    last = data.draw(st.sampled_from([i for i in solid if i >= first]))
    span = words.span(first, last + 1)
    assert words.covering(span) == (first, last + 1)
    assert span.of(raw) == span.of(raw).strip()


def test_what_one_character_spells_is_one_word() -> None:
    raw = "النبي ﷺ قال"
    words = words_of(raw)
    assert list(words.texts) == ["النبي", "صلى الله عليه وسلم", "قال", PARAGRAPH_END]
    assert words.span(1, 2) == Span(6, 7)


def test_paragraph_ends_at_the_edges_stay_out_of_a_span() -> None:
    raw = "سطر أول\nسطر ثان"
    words = words_of(raw)
    assert words.span(0, 3).of(raw) == "سطر أول"
    assert words.span(2, 5).of(raw) == "سطر ثان"
    assert words.span(0, 6).of(raw) == raw


def test_covering_is_none_between_words() -> None:
    words = words_of("قال الوزير")
    assert words.covering(Span(3, 4)) is None
    assert words.covering(Span(2, 5)) == (0, 2)


def test_paragraphs_of_words() -> None:
    words = words_of("سطر أول\nثان\nسطر ثالث هنا")
    assert list(words.texts) == ["سطر", "أول", "\n", "ثان", "\n", "سطر", "ثالث", "هنا", "\n"]
    assert [words.paragraph(i) for i in range(9)] == [(0, 2)] * 3 + [(3, 4)] * 2 + [(5, 8)] * 4


def test_occurrences_read_through_spelling_marks() -> None:
    words = words_of("قالَ الوزيـر بلينكن، وعاد الوزير.")
    assert sorted(words.occurrences(["الوزير", "الوزير بلينكن", ""])) == [(1, 2), (1, 3), (5, 6)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("قال:«نعم».ثم", ["قال", ":", "«", "نعم", "»", ".", "ثم"]),
        ("بنسبة 3.5%", ["بنسبة", "3", ".", "5", "%"]),
        ("٢٠٢٤", ["2024"]),
        ("وَقَالَـــت", ["وقالت"]),
        ("👍🏽", ["👍", "🏽"]),
        ("", []),
    ],
)
def test_how_text_is_split(text: str, words: list[str]) -> None:
    assert split(text) == words


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r", "\u2028", "\u2029", "\x85", "\n \n"])
def test_every_kind_of_newline_ends_a_paragraph(newline: str) -> None:
    raw = f"سطر أول{newline}سطر ثان"
    assert [span.of(raw) for span in lines(raw)] == ["سطر أول", "سطر ثان"]


def test_windows_of_an_article_advance() -> None:
    found = windows([2] * 1000, 510)
    assert all(a.first < b.first and a.end < b.end for a, b in pairwise(found))
    assert len(found) == 6
