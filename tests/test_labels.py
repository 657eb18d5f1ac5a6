"""Quotations become training targets and come back the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.gold import GoldArticle, read_gold
from extractor.labels import Frame, Range, Tag, distance, frame_of, frames, may_follow, segments
from extractor.passages import PARAGRAPH_END, Words, lines, split, split_words
from extractor.quotation import Quotation, QuotationType, Span, Speaker, SpeakerKind

ROOT = Path(__file__).parents[1]
GOLD = [ROOT / "seeds" / "gold.jsonl", ROOT / "seeds" / "examples.jsonl", ROOT.parent / "shared" / "gold" / "dev.jsonl"]
MINISTER = Speaker("لويد أوستن", SpeakerKind.PERSON, ("وزير الدفاع لويد أوستن", "أوستن"))
LENGTH = 24


@st.composite
def disjoint_frames(draw: st.DrawFn) -> Frame:
    """A frame whose ranges do not overlap, with one part of content or more."""
    edges = sorted(draw(st.lists(st.integers(0, LENGTH), min_size=2, max_size=10, unique=True)))
    ranges = list(pairwise(edges))
    roles = draw(st.lists(st.sampled_from("csav-"), min_size=len(ranges), max_size=len(ranges)))
    content = tuple(words for words, role in zip(ranges, roles, strict=True) if role == "c") or (ranges[0],)

    def one(role: str) -> Range | None:
        taken = [w for w, r in zip(ranges, roles, strict=True) if r == role and w not in content]
        return taken[0] if taken else None

    anchor = draw(st.integers(0, LENGTH - 1))
    return Frame(anchor, content, one("s"), one("a"), one("v"), has_cue=draw(st.booleans()))


ranges = st.tuples(st.integers(0, LENGTH - 1), st.integers(1, LENGTH)).filter(lambda pair: pair[0] < pair[1])
any_frames = st.builds(
    Frame,
    anchor=st.integers(0, LENGTH - 1),
    content=st.lists(ranges, min_size=1, max_size=3).map(tuple),
    source=st.none() | ranges,
    antecedent=st.none() | ranges,
    via=st.none() | ranges,
)


def is_legal(tags: list[Tag]) -> bool:
    return all(may_follow(before, tag) for before, tag in zip([None, *tags], tags, strict=False))


@given(disjoint_frames())
def test_a_frame_comes_back_from_its_tags(frame: Frame) -> None:
    assert frame_of(frame.anchor, frame.tags(LENGTH), has_cue=frame.has_cue) == frame


@given(any_frames)
def test_tags_are_legal_even_where_ranges_overlap(frame: Frame) -> None:
    tags = frame.tags(LENGTH)
    assert len(tags) == LENGTH
    assert is_legal(tags)
    content = {i for part in frame.content for i in range(*part)}
    assert {i for i, tag in enumerate(tags) if tag in (Tag.B_CONTENT, Tag.I_CONTENT)} == content


@given(st.lists(st.sampled_from(list(Tag)), max_size=12).filter(is_legal))
def test_segments_hold_every_labelled_word_once(tags: list[Tag]) -> None:
    rebuilt = [Tag.OUTSIDE] * len(tags)
    for begin, first, end in segments(tags):
        assert all(tag == Tag.OUTSIDE for tag in rebuilt[first:end])
        rebuilt[first:end] = [begin] + [Tag(begin + 1)] * (end - first - 1)
    assert rebuilt == tags


@pytest.mark.parametrize(
    ("before", "tag", "legal"),
    [
        (None, Tag.OUTSIDE, True),
        (None, Tag.B_CONTENT, True),
        (None, Tag.I_CONTENT, False),
        (Tag.OUTSIDE, Tag.I_SOURCE, False),
        (Tag.B_SOURCE, Tag.I_SOURCE, True),
        (Tag.I_SOURCE, Tag.I_SOURCE, True),
        (Tag.I_SOURCE, Tag.I_CONTENT, False),
        (Tag.B_CONTENT, Tag.I_SOURCE, False),
        (Tag.I_CONTENT, Tag.B_CONTENT, True),
        (Tag.I_VIA, Tag.OUTSIDE, True),
    ],
)
def test_which_tag_may_follow(before: Tag | None, tag: Tag, legal: bool) -> None:
    assert may_follow(before, tag) is legal


def test_of_several_sources_the_nearest_counts() -> None:
    tags = [Tag.B_SOURCE, Tag.OUTSIDE, Tag.OUTSIDE, Tag.OUTSIDE, Tag.B_SOURCE, Tag.B_CONTENT]
    frame = frame_of(3, tags)
    assert frame is not None
    assert frame.source == (4, 5)


def test_no_frame_without_content() -> None:
    assert frame_of(0, [Tag.OUTSIDE, Tag.B_SOURCE, Tag.I_SOURCE]) is None


@pytest.mark.parametrize(("anchor", "words"), [(1, 1), (2, 0), (4, 0), (5, 1), (8, 4)])
def test_distance_counts_the_words_between(anchor: int, words: int) -> None:
    assert distance((2, 5), anchor) == words


def words_of(raw: str) -> Words:
    return split_words(raw, lines(raw))


def quoted(raw: str, content: str, cue: str | None = None, **more: object) -> Quotation:
    def span(wording: str) -> Span:
        return Span(raw.index(wording), raw.index(wording) + len(wording))

    quotation = Quotation(QuotationType.INDIRECT, (span(content),), span(cue) if cue else None)
    return replace(quotation, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("raw", "content", "anchor"),
    [
        ("وزير النفط: الإنتاج مستقر", "الإنتاج مستقر", ":"),
        ("وزير النفط: «الإنتاج مستقر»", "الإنتاج مستقر", ":"),
        ("كتب على الجدار «سنعود غدا»", "سنعود غدا", "«"),
        ("عنوان\nالإنتاج مستقر", "الإنتاج مستقر", "الإنتاج"),
        ("الإنتاج مستقر", "الإنتاج مستقر", "الإنتاج"),
    ],
)
def test_a_quotation_without_a_cue_has_an_anchor(raw: str, content: str, anchor: str) -> None:
    words = words_of(raw)
    (frame,) = frames(words, [quoted(raw, content)])
    assert not frame.has_cue
    assert words.texts[frame.anchor] == anchor


def test_an_omitted_subject_points_to_the_nearest_earlier_mention() -> None:
    raw = "قال وزير الدفاع لويد أوستن إن الحلف قوي. وزار أوستن القاعدة، وأضاف أن الدعم باق. وعاد أوستن."
    words = words_of(raw)
    first = quoted(raw, "الحلف قوي", "قال", speaker=MINISTER, source=Span(4, 26))
    second = quoted(raw, "الدعم باق", "وأضاف", speaker=MINISTER)
    spoke, added = frames(words, [second, first])
    assert spoke.source is not None
    assert words.span(*spoke.source).of(raw) == "وزير الدفاع لويد أوستن"
    assert spoke.antecedent is None
    assert [words.texts[i] for i in spoke.name] == ["لويد", "أوستن"]
    assert added.source is None
    assert added.antecedent is not None
    assert words.span(*added.antecedent).start == raw.index("أوستن القاعدة")
    assert added.kind is SpeakerKind.PERSON


def test_the_relayer_is_sought_in_the_paragraph_of_the_cue() -> None:
    raw = "الوكالة تعمل.\nونقلت الوكالة عن طبيب أن الجرحى بخير."
    words = words_of(raw)
    agency = Speaker("الوكالة", SpeakerKind.ORGANIZATION, ("الوكالة",))
    (frame,) = frames(words, [quoted(raw, "الجرحى بخير", "ونقلت", via=agency)])
    assert frame.via is not None
    assert words.span(*frame.via).start == raw.rindex("الوكالة")


def test_what_lies_in_other_words_gives_no_frame() -> None:
    raw = "قال الوزير إن العمل مستمر.\nوأضاف أن الدعم باق."
    words = split_words(raw, lines(raw)[:1])
    quotations = [quoted(raw, "العمل مستمر", "قال"), quoted(raw, "الدعم باق", "وأضاف")]
    assert [words.texts[frame.anchor] for frame in frames(words, quotations)] == ["قال"]


def gold_articles(path: Path) -> list[GoldArticle]:
    if not path.exists():
        pytest.skip(f"{path.name} is not on this machine")
    return list(read_gold(path))


@pytest.mark.parametrize("path", GOLD, ids=lambda path: path.stem)
def test_frames_of_gold_cover_the_words_of_its_quotations(path: Path) -> None:
    for article in gold_articles(path):
        raw = article.document.raw
        words = words_of(raw)
        made = frames(words, article.quotations)
        assert len(made) == len(article.quotations)
        for quotation in article.quotations:
            assert any(_is_frame_of(words, frame, quotation, raw) for frame in made)
        for frame in made:
            tags = frame.tags(len(words))
            assert is_legal(tags)
            assert frame_of(frame.anchor, tags) is not None


def _is_frame_of(words: Words, frame: Frame, quotation: Quotation, raw: str) -> bool:
    anchor = [(frame.anchor, frame.anchor + 1)]
    return (
        _stand_for(words, frame.content, quotation.content, raw)
        and (quotation.cue is None or _stand_for(words, anchor, [quotation.cue], raw))
        and _stand_for(
            words,
            [frame.source] if frame.source else [],
            [quotation.source] if quotation.source else [],
            raw,
        )
    )


def _stand_for(words: Words, ranges: Sequence[Range], spans: Sequence[Span], raw: str) -> bool:
    """Whether the words are those of the spans; a span may leave out a proclitic of its first word."""
    return len(ranges) == len(spans) and all(
        words.starts[first] <= span.start < words.ends[first]
        and words.starts[end - 1] < span.end <= words.ends[end - 1]
        and "".join(split(span.of(raw))) in "".join(words.texts[first:end]).replace(PARAGRAPH_END, "")
        for (first, end), span in zip(ranges, spans, strict=True)
    )
