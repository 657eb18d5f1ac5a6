"""From frames over words to quotations: who speaks where the subject is omitted, who relays, which type it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from extractor.labels import Frame, Range
from extractor.marks import ANY, CLOSING, OPENING, quotation_type, with_closing_mark
from extractor.passages import PARAGRAPH_END, Words
from extractor.quotation import Quotation, Span, Speaker
from extractor.speakers import Mention, Speakers
from extractor.text import fold

_SAME_CONTENT = 0.8
# The ل of لوزارة, with its diacritics or a tatweel; that of للوزارة stands for an article too and stays.
_GLUED = re.compile(r"[لﻟ][\Wـ]*+(?![لﻟﻠ])")
_ACCORDING_TO = re.compile("و?(?:وفقا|طبقا|تبعا|استنادا)")  # folded


def attribute(raw: str, words: Words, frames: Sequence[Frame]) -> list[Quotation]:
    """The quotations of one article, in the order of the text; an omitted speaker is the one who spoke last."""
    kept = _without_doubles([tidied for frame in frames if (tidied := _tidy(words, frame))])
    kept.sort(key=lambda frame: (frame.content[0], frame.anchor))
    speakers = Speakers(raw, words, list(_mentions(kept)))
    in_order = sorted(kept, key=lambda frame: frame.anchor)
    # A headline may leave out a speaker whom only the body names: whoever speaks first.
    said_last = next((speakers.of(frame.mention) for frame in in_order if frame.mention), None)
    speaking: dict[int, Speaker | None] = {}
    for frame in in_order:
        said_last = speakers.of(frame.mention) if frame.mention else said_last
        speaking[frame.anchor] = said_last
    return [_quotation(raw, words, frame, speaking[frame.anchor], speakers) for frame in kept]


def _quotation(raw: str, words: Words, frame: Frame, speaker: Speaker | None, speakers: Speakers) -> Quotation:
    content = tuple(words.span(*part) for part in frame.content)
    return Quotation(
        type=quotation_type(raw, content),
        content=content,
        cue=words.span(frame.anchor, frame.anchor + 1) if _is_cue(words, frame) else None,
        source=_source(raw, words, frame),
        speaker=speaker,
        via=speakers.of(frame.via) if frame.via else None,
        confidence=frame.confidence,
    )


def _mentions(frames: Sequence[Frame]) -> list[Mention]:
    found: dict[Range, Mention] = {}
    for frame in frames:
        if frame.mention and frame.mention not in found:
            found[frame.mention] = Mention(frame.mention, frame.name, frame.kind)
    for frame in frames:
        if frame.via and frame.via not in found:
            found[frame.via] = Mention(frame.via)
    return list(found.values())


def _is_cue(words: Words, frame: Frame) -> bool:
    """A colon, a mark or the content itself only anchors a quotation that has no cue."""
    inside = any(first <= frame.anchor < end for first, end in frame.content)
    return not inside and words.texts[frame.anchor][0].isalnum()


def _source(raw: str, words: Words, frame: Frame) -> Span | None:
    """The source as written; after وفقا and its like the preposition ل that is glued to it stays out."""
    if frame.source is None:
        return None
    span = words.span(*frame.source)
    glued = _GLUED.match(span.of(raw)) if len(words.texts[frame.source[0]]) > 3 else None
    if glued and _ACCORDING_TO.fullmatch(fold(words.texts[frame.anchor])):
        return Span(span.start + glued.end(), span.end)
    return span


def _tidy(words: Words, frame: Frame) -> Frame | None:
    """The frame without marks and punctuation at the edges of its ranges; None where no content is left."""
    content = [_unwrapped(words, *part) for part in (_tidied(words, *part) for part in frame.content) if part]
    if not content:
        return None
    starts = {first for first, _ in content}
    source, antecedent, via = (
        _tidied(words, *part) if part else None for part in (frame.source, frame.antecedent, frame.via)
    )
    named = range(*(source or antecedent or (0, 0)))
    return replace(
        frame,
        content=tuple(part if part[1] in starts else with_closing_mark(words.texts, *part) for part in content),
        source=source,
        antecedent=antecedent,
        via=via,
        name=tuple(i for i in frame.name if i in named and words.texts[i][0].isalnum()),
    )


def _tidied(words: Words, first: int, end: int) -> Range | None:
    def is_edge(i: int, *, closing: bool) -> bool:
        text = words.texts[i]
        if text == PARAGRAPH_END:
            return True
        if text[0].isalnum() or text[0] in "([)]%٪$€£+-−°*#@&":
            return False
        return not (text in ANY and _has_partner(words.texts[first:end], closing=closing))

    while first < end and is_edge(end - 1, closing=True):
        end -= 1
    while first < end and is_edge(first, closing=False):
        first += 1
    return (first, end) if any(text[0].isalnum() for text in words.texts[first:end]) else None


def _unwrapped(words: Words, first: int, end: int) -> Range:
    """Without a pair of marks that stands around the whole of it; both marks of «أ» و«ب» stay."""
    if not (words.texts[first] in ANY and words.texts[end - 1] in ANY):
        return first, end
    inside = next((text for text in words.texts[first + 1 : end - 1] if text in ANY), None)
    return (first + 1, end - 1) if inside is None or inside in OPENING else (first, end)


def _has_partner(texts: Sequence[str], *, closing: bool) -> bool:
    """Whether the mark at the end (or start) of the words belongs to another one inside them."""
    marks = [text for text in texts if text in ANY]
    if closing:
        closers = sum(mark in CLOSING for mark in marks)
        return len(marks) % 2 == 0 and (marks[-1] not in CLOSING or closers * 2 <= len(marks))
    return len(marks) % 2 == 0


def _without_doubles(frames: Sequence[Frame]) -> list[Frame]:
    """Of two cues with nearly the same content (وفق ما أعلن) the more confident stays."""
    kept: list[Frame] = []
    for frame in sorted(frames, key=lambda frame: -frame.confidence):
        if not any(_overlap(frame, other) >= _SAME_CONTENT for other in kept):
            kept.append(frame)
    return kept


def _overlap(frame: Frame, other: Frame) -> float:
    """Jaccard of content words."""
    a = {i for part in frame.content for i in range(*part)}
    b = {i for part in other.content for i in range(*part)}
    return len(a & b) / len(a | b)
