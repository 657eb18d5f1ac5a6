"""Quotations as the tagger's training targets, and back. The one place that knows the label set.

A quotation is a small frame, as in semantic role labelling: its cue is the predicate, and every word of the passage has
one role *for that cue*. Nested quotations and chains with one source are then nothing special: each cue has a
labelling of its own. A quotation without a cue word is anchored at its colon or opening mark.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from extractor.passages import Words, split
from extractor.quotation import Quotation, Span, Speaker, SpeakerKind


class Tag(IntEnum):
    """A word's role for one cue. An antecedent is the mention that an omitted or pronominal subject stands for."""

    OUTSIDE = 0
    B_CONTENT = 1
    I_CONTENT = 2
    B_SOURCE = 3
    I_SOURCE = 4
    B_ANTECEDENT = 5
    I_ANTECEDENT = 6
    B_VIA = 7
    I_VIA = 8


Range = tuple[int, int]
TAGS = tuple(tag.name for tag in Tag)
KINDS = tuple(SpeakerKind)
_BEGINNINGS = (Tag.B_CONTENT, Tag.B_SOURCE, Tag.B_ANTECEDENT, Tag.B_VIA)


def may_follow(before: Tag | None, tag: Tag) -> bool:
    """Whether a legal labelling can hold ``tag`` right after ``before`` (None: at the passage's start)."""
    begins_or_outside = tag == Tag.OUTSIDE or tag in _BEGINNINGS
    return begins_or_outside or (before is not None and before in (tag, tag - 1))


@dataclass(frozen=True, slots=True)
class Frame:
    """One quotation over the words of a passage; ranges are half-open word positions.

    ``kind`` and ``name`` describe the speaker: the words of the source (or antecedent) that belong to the proper name
    or, where there is none, to the description that the speaker goes by.
    """

    anchor: int
    content: tuple[Range, ...]
    source: Range | None = None
    antecedent: Range | None = None
    via: Range | None = None
    has_cue: bool = True
    kind: SpeakerKind | None = None
    name: tuple[int, ...] = ()
    confidence: float = 1.0

    @property
    def mention(self) -> Range | None:
        """The words that tell who speaks, in this attribution or before it."""
        return self.source or self.antecedent

    def moved(self, by: int) -> Frame:
        """The same frame where its words stand so many positions further on."""

        def move(words: Range | None) -> Range | None:
            return (words[0] + by, words[1] + by) if words else None

        return replace(
            self,
            anchor=self.anchor + by,
            content=tuple((first + by, end + by) for first, end in self.content),
            source=move(self.source),
            antecedent=move(self.antecedent),
            via=move(self.via),
            name=tuple(i + by for i in self.name),
        )

    def tags(self, length: int) -> list[Tag]:
        """One tag a word. Where ranges overlap, content wins, then source, via, antecedent."""
        tags = [Tag.OUTSIDE] * length
        ranges = [(self.antecedent, Tag.B_ANTECEDENT), (self.via, Tag.B_VIA), (self.source, Tag.B_SOURCE)]
        ranges += [(part, Tag.B_CONTENT) for part in self.content]
        for words, begin in ranges:
            if words is not None:
                first, last = words
                tags[first:last] = [begin] + [Tag(begin + 1)] * (last - first - 1)
                if last < length and tags[last] and tags[last] not in _BEGINNINGS:  # what is left of a range cut in two
                    tags[last] = Tag(tags[last] - 1)
        return tags


def segments(tags: Sequence[int]) -> Iterator[tuple[Tag, int, int]]:
    """(beginning tag, first word, end) of every labelled range, in order."""
    first = 0
    for position in range(1, len(tags) + 1):
        continues = position < len(tags) and tags[position] and tags[position] not in _BEGINNINGS
        if not continues:
            if tags[first]:
                yield Tag(tags[first]), first, position
            first = position


def frame_of(anchor: int, tags: Sequence[int], *, has_cue: bool = True) -> Frame | None:
    """The frame that a labelling says; None where it holds no content. Of several sources the nearest counts."""
    found: dict[Tag, list[Range]] = {begin: [] for begin in _BEGINNINGS}
    for tag, first, end in segments(tags):
        found[tag].append((first, end))
    if not found[Tag.B_CONTENT]:
        return None

    def nearest(begin: Tag) -> Range | None:
        return min(found[begin], key=lambda words: distance(words, anchor), default=None)

    return Frame(
        anchor,
        tuple(found[Tag.B_CONTENT]),
        nearest(Tag.B_SOURCE),
        nearest(Tag.B_ANTECEDENT),
        nearest(Tag.B_VIA),
        has_cue,
    )


def distance(words: Range, anchor: int) -> int:
    """How many words lie between a range and the anchor."""
    first, end = words
    return max(first - anchor, anchor - end + 1, 0)


def frames(words: Words, quotations: Sequence[Quotation]) -> list[Frame]:
    """The frames of those quotations whose content lies in these words; one an anchor, in the order of the text."""
    found: dict[int, Frame] = {}
    for quotation in sorted(quotations, key=lambda quotation: quotation.content):
        frame = _frame(words, quotation, quotations)
        if frame is not None:
            found.setdefault(frame.anchor, frame)
    return [found[anchor] for anchor in sorted(found)]


def _frame(words: Words, quotation: Quotation, others: Sequence[Quotation]) -> Frame | None:
    content = tuple(part for span in quotation.content if (part := words.covering(span)))
    cue = words.covering(quotation.cue) if quotation.cue else None
    if len(content) < len(quotation.content) or (quotation.cue and cue is None):
        return None
    anchor = cue[0] if cue else _anchor_without_cue(words, content[0][0])
    source = words.covering(quotation.source) if quotation.source else None
    antecedent = None if quotation.source else _antecedent(words, anchor, quotation, others)
    mention = source or antecedent
    return Frame(
        anchor,
        content,
        source,
        antecedent,
        _via(words, anchor, quotation),
        has_cue=cue is not None,
        kind=quotation.speaker.kind if quotation.speaker else None,
        name=_name(words, mention, quotation.speaker) if mention and quotation.speaker else (),
    )


def _name(words: Words, mention: Range, speaker: Speaker) -> tuple[int, ...]:
    named = set(split(speaker.name))
    return tuple(i for i in range(*mention) if words.texts[i] in named)


def _anchor_without_cue(words: Words, content: int) -> int:
    """The colon or opening mark right before the content, else its first word."""
    before = content - 1
    while before >= 0 and not words.texts[before].isalnum():
        if words.texts[before] == ":":
            return before
        before -= 1
    return content - 1 if before < content - 1 and words.texts[content - 1] != "\n" else content


def _antecedent(words: Words, anchor: int, quotation: Quotation, others: Sequence[Quotation]) -> Range | None:
    """The nearest mention of the speaker before the anchor (else after it): a source of theirs, else any wording."""
    speaker = quotation.speaker
    if speaker is None:
        return None
    sources = [other.source for other in others if other.source and other.speaker == speaker]
    candidates = {part for span in sources if (part := words.covering(span))}
    candidates |= set(words.occurrences(speaker.mentions))
    free = [part for part in candidates if not _inside(words, part, quotation)]
    # A wording inside a longer one names the same: the longer one is the mention.
    whole = [p for p in free if not any(q != p and q[0] <= p[0] and p[1] <= q[1] for q in free)]
    earlier = [part for part in whole if part[1] <= anchor]
    if earlier:
        return max(earlier)
    return min(whole, default=None)


def _via(words: Words, anchor: int, quotation: Quotation) -> Range | None:
    """The wording of the relaying speaker nearest to the anchor, within the anchor's paragraph."""
    if quotation.via is None:
        return None
    start, end = words.paragraph(anchor)
    near = [
        part
        for part in words.occurrences((*quotation.via.mentions, quotation.via.name))
        if start <= part[0] and part[1] <= end and not _inside(words, part, quotation)
    ]
    return min(near, key=lambda part: (distance(part, anchor), part[0] - part[1]), default=None)


def _inside(words: Words, part: tuple[int, int], quotation: Quotation) -> bool:
    place: Span = words.span(*part)
    return any(place.overlaps(span) for span in quotation.content)
