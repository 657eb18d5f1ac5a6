"""Training passages as other outlets would have set them: other marks, unclosed marks, no hamza, page junk around.

Everything happens on words, so frames stay true by construction. Diacritics, tatweel and missing spaces need no
variation: cleaning and word splitting undo them before the tagger reads.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from extractor.labels import Frame, Range
from extractor.passages import PARAGRAPH_END, split

_STYLES = (("«", "»"), ("“", "”"), ("”", "“"), ("”", "”"), ('"', '"'), ("'", "'"), ("„", "“"))
_OPENING, _CLOSING = frozenset("«“„"), frozenset("»”")
_MARKS = _OPENING | _CLOSING | {'"'}
_NO_HAMZA = str.maketrans("أإآ", "ااا")
_MENU = (
    "موضوعات ذات صلة",
    "اقرأ أيضا",
    "إقرأ أيضاً:",
    "مقالات مشابهة",
    "الأكثر قراءة",
    "شاهد أيضا",
    "أخبار ذات صلة",
)
_BULLETS = ("", "", "- ", "• ", "* ")


@dataclass(frozen=True, slots=True)
class Example:
    """The words of one article and the frames in them; ``unsure`` are words that may or may not be cues."""

    texts: tuple[str, ...]
    frames: tuple[Frame, ...]
    unsure: frozenset[int] = frozenset()

    def headline(self) -> tuple[str, ...]:
        end = self.texts.index(PARAGRAPH_END) if PARAGRAPH_END in self.texts else len(self.texts)
        return self.texts[:end]


def vary(example: Example, others: Sequence[Example], rng: random.Random) -> Example:
    """One variation of an example; ``others`` lend their headlines to the junk around it."""
    if rng.random() < 0.5:
        example = _restyle_marks(example, rng.choice(_STYLES))
    if rng.random() < 0.15:
        example = _lose_marks(example, rng)
    if rng.random() < 0.15:
        example = replace(example, texts=tuple(word.translate(_NO_HAMZA) for word in example.texts))
    if others and rng.random() < 0.25:
        example = _surround(example, others, rng)
    return example


def _restyle_marks(example: Example, style: tuple[str, str]) -> Example:
    texts, inside = [], False
    for word in example.texts:
        if word in _OPENING or (word == '"' and not inside):
            inside = True
            texts.append(style[0])
        elif word in _CLOSING or word == '"':
            inside = False
            texts.append(style[1])
        else:
            inside = inside and word != PARAGRAPH_END
            texts.append(word)
    return replace(example, texts=tuple(texts))


def _lose_marks(example: Example, rng: random.Random) -> Example:
    """Drops a third of the marks, or all of them; those that anchor a quotation stay."""
    share = rng.choice((0.3, 0.3, 1.0))
    anchors = {frame.anchor for frame in example.frames} | example.unsure
    dropped = {
        i
        for i, word in enumerate(example.texts)
        if word in _MARKS and i not in anchors and rng.random() < share and not _alone(example, i)
    }
    place, kept = [], 0
    for i in range(len(example.texts) + 1):
        place.append(kept)
        kept += i not in dropped
    texts = tuple(word for i, word in enumerate(example.texts) if i not in dropped)
    return _placed(example, texts, place)


def _alone(example: Example, i: int) -> bool:
    """Whether word i stands in a range of a frame that holds nothing but marks, and might be left empty."""
    return any(
        part is not None and part[0] <= i < part[1] and all(word in _MARKS for word in example.texts[slice(*part)])
        for frame in example.frames
        for part in (*frame.content, frame.source, frame.antecedent, frame.via)
    )


def _surround(example: Example, others: Sequence[Example], rng: random.Random) -> Example:
    """Puts a list of other articles' headlines after the article, before it, or between two of its paragraphs."""
    junk: list[str] = []
    if rng.random() < 0.6:
        junk += [*split(rng.choice(_MENU)), PARAGRAPH_END]
    bullet = split(rng.choice(_BULLETS))
    for other in rng.sample(list(others), min(len(others), rng.randint(2, 6))):
        junk += [*bullet, *other.headline(), PARAGRAPH_END]
    ends = [i + 1 for i, word in enumerate(example.texts) if word == PARAGRAPH_END]
    safe = [i for i in ends if not any(f.content[0][0] < i < f.content[-1][1] for f in example.frames)]
    at = rng.choice((0, *safe[-1:], *safe[-1:], rng.choice(safe))) if safe else 0
    place = [i if i < at else i + len(junk) for i in range(len(example.texts) + 1)]
    return _placed(example, (*example.texts[:at], *junk, *example.texts[at:]), place)


def _placed(example: Example, texts: tuple[str, ...], place: Sequence[int]) -> Example:
    """The example with other words, where word i has moved to ``place[i]``."""
    frames = tuple(_moved(frame, place) for frame in example.frames)
    return Example(texts, frames, frozenset(place[i] for i in example.unsure))


def _moved(frame: Frame, place: Sequence[int]) -> Frame:
    def move(words: Range) -> Range:
        first, end = words
        last_is_kept = place[end] > place[end - 1]
        return place[first], place[end - 1] + last_is_kept

    return replace(
        frame,
        anchor=place[frame.anchor],
        content=tuple(move(part) for part in frame.content),
        source=move(frame.source) if frame.source else None,
        antecedent=move(frame.antecedent) if frame.antecedent else None,
        via=move(frame.via) if frame.via else None,
        name=tuple(place[i] for i in frame.name if place[i + 1] > place[i]),
    )
