"""Words, windows that fit the encoder, and which window answers for which word."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from extractor.quotation import Span
from extractor.text import clean

_WORD = re.compile(r"\w+|[^\w\s]")
PARAGRAPH_END = "\n"


@dataclass(frozen=True, slots=True)
class Words:
    """Words and marks in reading order, normalised, each with its place in the raw text.

    A paragraph ends with the word "\\n", whose place is empty (``starts[i] == ends[i]``).
    """

    texts: Sequence[str]
    starts: Sequence[int]
    ends: Sequence[int]
    _paragraph_ends: list[int] = field(default_factory=list, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.texts)

    def span(self, first: int, end: int) -> Span:
        """The raw place of words ``first`` to ``end`` (excluded); paragraph ends at the edges are left out."""
        while end > first and self.texts[end - 1] == PARAGRAPH_END:
            end -= 1
        while first < end and self.texts[first] == PARAGRAPH_END:
            first += 1
        return Span(self.starts[first], self.ends[end - 1])

    def covering(self, span: Span) -> tuple[int, int] | None:
        """The range of words that a raw span touches; None where there are none."""
        first = bisect_right(self.ends, span.start)
        end = bisect_left(self.starts, span.end)
        while first < end and self.texts[first] == PARAGRAPH_END:
            first += 1
        while first < end and self.texts[end - 1] == PARAGRAPH_END:
            end -= 1
        return (first, end) if first < end else None

    def paragraph(self, position: int) -> tuple[int, int]:
        """The range of words of the paragraph that holds ``position``, its end mark excluded."""
        if not self._paragraph_ends:
            self._paragraph_ends.extend(i for i, text in enumerate(self.texts) if text == PARAGRAPH_END)
        after = bisect_left(self._paragraph_ends, position)
        start = self._paragraph_ends[after - 1] + 1 if after else 0
        end = self._paragraph_ends[after] if after < len(self._paragraph_ends) else len(self.texts)
        return start, end

    def occurrences(self, wordings: Iterable[str]) -> list[tuple[int, int]]:
        """Every range of words that reads as one of the wordings."""
        found = []
        for wording in set(wordings):
            sought = split(wording)
            if not sought:
                continue
            size = len(sought)
            found += [
                (first, first + size)
                for first in range(len(self.texts) - size + 1)
                if self.texts[first] == sought[0] and list(self.texts[first : first + size]) == sought
            ]
        return found


def split(text: str) -> list[str]:
    """The words and marks of a short text, normalised as in Words."""
    return _WORD.findall(clean(text).text)


def split_words(raw: str, paragraphs: Iterable[Span]) -> Words:
    """The words of some paragraphs of a raw text, in the order given; no two share a place.

    What one raw character spells (ﷺ) is one word, with the spaces between its parts.
    """
    texts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for paragraph in paragraphs:
        cleaned = clean(paragraph.of(raw))
        begun, taken = 0, paragraph.start
        for match in _WORD.finditer(cleaned.text):
            place = cleaned.raw_span(match.start(), match.end()).shifted(paragraph.start)
            if place.start < taken:
                texts[-1], ends[-1] = cleaned.text[begun : match.end()], place.end
            else:
                begun = match.start()
                texts.append(match.group())
                starts.append(place.start)
                ends.append(place.end)
            taken = place.end
        texts.append(PARAGRAPH_END)
        starts.append(paragraph.end)
        ends.append(paragraph.end)
    return Words(texts, starts, ends)


def lines(raw: str) -> list[Span]:
    """Every line that holds something, as a paragraph."""
    return [Span(m.start(), m.end()) for m in re.finditer(r"[^\n\r\u2028\u2029\x85]+", raw) if m.group().strip()]


@dataclass(frozen=True, slots=True)
class Window:
    """Words ``first`` to ``end`` (excluded), read in one pass; it answers for the cues it owns."""

    first: int
    end: int
    owns_from: int
    owns_to: int


def windows(pieces: Sequence[int], limit: int, overlap: float = 0.4) -> list[Window]:
    """Cuts words with so many pieces each into windows of at most ``limit`` pieces.

    Neighbours share about ``overlap`` of a window. Every word is owned by exactly one window: the one in which it is
    farthest from an edge, so that a cue is read with as much of its surroundings as can be had.
    Raises ValueError where one word alone exceeds the limit.
    """
    if not pieces:
        return []
    total = sum(pieces)
    if max(pieces) > limit:
        raise ValueError(f"a word of {max(pieces)} pieces does not fit a window of {limit}")
    if total <= limit:
        return [Window(0, len(pieces), 0, len(pieces))]
    ends_at = [0]
    for count in pieces:
        ends_at.append(ends_at[-1] + count)
    # Windows begin and end between words, so that long words must leave room, or one would fall between two windows.
    step = max(1, min(limit * (1 - overlap), limit - 2 * max(pieces) + 1))
    count = max(2, -int(-(total - limit) // step) + 1)
    ranges = []
    for i in range(count):
        wanted = round(i * (total - limit) / (count - 1))
        first = bisect_left(ends_at, wanted)
        end = bisect_right(ends_at, ends_at[first] + limit) - 1
        if i == count - 1:
            end = len(pieces)
            first = bisect_left(ends_at, total - limit)
        ranges.append((first, end))
    cuts = [0]
    for (_, left_end), (right_first, _) in pairwise(ranges):
        middle = (ends_at[right_first] + ends_at[left_end]) / 2
        cuts.append(bisect_left(ends_at, middle))
    cuts.append(len(pieces))
    return [Window(first, end, cuts[i], cuts[i + 1]) for i, (first, end) in enumerate(ranges)]
