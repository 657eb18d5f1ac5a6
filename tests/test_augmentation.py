"""Variations of a passage keep what its frames say, word for word."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from extractor.augmentation import Example, vary
from extractor.labels import Frame, Range, may_follow
from extractor.passages import PARAGRAPH_END
from extractor.training import examples
from tests.stories import articles

MARKS = frozenset("«»“”„'\"")
WORDS = ["قال", "أضاف", "إن", "الوزير", "آخرون", ":", "،", "«", "»", '"', '"', "“", "”", "كتاب"]
OTHERS = examples(articles(8))


@st.composite
def made_up(draw: st.DrawFn) -> Example:
    """Paragraphs of words and marks, with frames each inside one paragraph."""
    texts: list[str] = []
    frames: list[Frame] = []
    for _ in range(draw(st.integers(1, 3))):
        start = len(texts)
        texts += draw(st.lists(st.sampled_from(WORDS), min_size=3, max_size=12))
        edges = draw(st.lists(st.integers(start, len(texts)), min_size=2, max_size=6, unique=True).map(sorted))
        ranges: list[Range] = list(zip(edges[::2], edges[1::2], strict=False))
        anchor = draw(st.integers(start, len(texts) - 1))
        mention = ranges[1] if len(ranges) > 1 else None
        name = tuple(i for i in range(*mention) if draw(st.booleans())) if mention else ()
        frames.append(Frame(anchor, (ranges[0],), mention, via=ranges[2] if len(ranges) > 2 else None, name=name))
        texts.append(PARAGRAPH_END)
    unique = {frame.anchor: frame for frame in frames}
    return Example(tuple(texts), tuple(unique.values()))


def plain(example: Example, words: Range | None) -> list[str]:
    """Without marks, hamza aside: what no variation may change."""
    bare = str.maketrans("أإآ", "ااا")
    texts = example.texts[slice(*words)] if words else ()
    return [text.translate(bare) for text in texts if text not in MARKS]


def check(before: Example, after: Example) -> None:
    assert len(after.frames) == len(before.frames)
    for was, now in zip(before.frames, after.frames, strict=True):
        assert plain(after, (now.anchor, now.anchor + 1)) == plain(before, (was.anchor, was.anchor + 1))
        assert [plain(after, part) for part in now.content] == [plain(before, part) for part in was.content]
        assert plain(after, now.source) == plain(before, was.source)
        assert plain(after, now.antecedent) == plain(before, was.antecedent)
        assert plain(after, now.via) == plain(before, was.via)
        names = [plain(ex, (i, i + 1)) for ex, f in ((before, was), (after, now)) for i in f.name]
        solid = [name for name in names if name]
        assert solid[: len(solid) // 2] == solid[len(solid) // 2 :]
        assert (was.kind, was.has_cue) == (now.kind, now.has_cue)
        ranges = [*now.content, *(part for part in (now.source, now.antecedent, now.via) if part)]
        assert all(0 <= first < end <= len(after.texts) for first, end in ranges)
        tags = now.tags(len(after.texts))
        assert all(may_follow(left, tag) for left, tag in zip([None, *tags], tags, strict=False))


@given(made_up(), st.integers(0, 10_000))
def test_frames_keep_their_words(example: Example, seed: int) -> None:
    check(example, vary(example, OTHERS, random.Random(seed)))


def test_frames_of_articles_keep_their_words() -> None:
    for seed in range(150):
        example = OTHERS[seed % len(OTHERS)]
        check(example, vary(example, OTHERS, random.Random(seed)))


def test_variations_differ_and_repeat_with_their_seed() -> None:
    example = OTHERS[1]
    varied = [vary(example, OTHERS, random.Random(seed)).texts for seed in range(40)]
    assert len(set(varied)) > 10
    assert varied == [vary(example, OTHERS, random.Random(seed)).texts for seed in range(40)]


def test_every_kind_of_variation_happens() -> None:
    example = next(other for other in OTHERS if "«" in other.texts and "أن" in other.texts)
    varied = [vary(example, OTHERS, random.Random(seed)).texts for seed in range(200)]
    assert any("“" in texts for texts in varied)
    assert any("أن" not in texts for texts in varied)
    assert any(len(texts) > len(example.texts) for texts in varied)
    assert any(len(texts) < len(example.texts) for texts in varied)


def test_the_headline_is_the_first_paragraph() -> None:
    assert Example(("خبر", "عاجل", "\n", "نص", "\n"), ()).headline() == ("خبر", "عاجل")
    assert Example(("خبر", "عاجل"), ()).headline() == ("خبر", "عاجل")
