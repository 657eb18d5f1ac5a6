"""What a reviewer sent back, as quotations, and what became of every region that was sent.

Offsets are the truth: ``value.text`` is not, for Label Studio rewrites line ends and spaces in it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from extractor.marks import quotation_type
from extractor.quotation import Quotation, QuotationType, Role, Span, Speaker, SpeakerKind
from models.tables import READINGS, Origin, Verdict
from review.regions import Fault, Parts, Problem, Region, place_of
from review.tasks import BAD_TEXT, NO_QUOTATIONS, OK, Sent, main_id, one_line, region_id

Choice = TypeVar("Choice", QuotationType, SpeakerKind)

_PROCLITICS = re.compile(r"[وفبلكس]?(?:ال|لل|[بلكس])?")


@dataclass(frozen=True, slots=True)
class Correction:
    """``quotations`` is empty but for the verdicts in READINGS; ``origins`` counts regions."""

    verdict: Verdict
    quotations: tuple[Quotation, ...] = ()
    problems: tuple[Problem, ...] = ()
    origins: Mapping[tuple[Role, Origin], int] = field(default_factory=dict)
    note: str = ""


def read_correction(result: object, raw: str, sent: Sent) -> Correction:
    """What ``result`` says of the text ``raw``, against what was ``sent`` (an empty one where nothing was).

    Reviewed quotations are sure: their confidence is 1. A speaker whose name and kind were sent keeps its mentions,
    any other has the words of its sources. Never raises: whatever does not fit becomes a problem.
    """
    parts = Parts(raw, sent)
    for item in result if isinstance(result, list) else [result]:
        parts.take(item)
    parts.join()
    found = _quotations(parts, raw, sent)
    origins = _origins(parts, found, sent)
    verdict = _verdict(parts, origins)
    note = parts.article.get("note", "")
    if verdict not in READINGS:
        return Correction(verdict, problems=tuple(parts.problems), note=note)
    if verdict is Verdict.NO_QUOTATIONS:  # said of the whole article: what was sent counts as deleted
        origins = {region.id: Origin.DELETED for region in sent.regions.values()}
        found = {}
    counts = Counter((parts.role(key, sent), origin) for key, origin in origins.items())
    parts.problems += _cut_words(parts, raw, sent)
    quotations = _with_mentions(sorted(found.values(), key=lambda quotation: quotation.content), raw, sent)
    return Correction(verdict, tuple(quotations), tuple(parts.problems), counts, note)


def _quotations(parts: Parts, raw: str, sent: Sent) -> dict[str, Quotation]:
    """By the ids of their main regions."""
    groups: dict[str, list[Region]] = {}
    for region in parts.regions.values():
        if region.role is Role.CONTENT:
            groups.setdefault(parts.main(region.id), []).append(region)
    return {key: _quotation(parts, parts.regions[key], group, raw, sent) for key, group in groups.items()}


def _quotation(parts: Parts, main: Region, group: Sequence[Region], raw: str, sent: Sent) -> Quotation:
    content = _content(parts, group)
    cue, source = (_span_of(parts, places, main, group) for places in (parts.cues, parts.sources))
    said: dict[str, str] = {}
    for region in (*group, main):  # what the main region says counts most
        said |= region.said
    known = sent.regions.get(main.id)
    predicted = sent.quotations[known.position] if known else None
    return Quotation(
        type=_choice(parts, main, QuotationType, said.get("type")) or quotation_type(raw, content),
        content=content,
        cue=cue,
        source=source,
        speaker=_named(parts, main, "speaker", said, predicted, sent)
        or _of_source(parts, main, source, raw, sent, predicted),
        via=_named(parts, main, "via", said, predicted, sent),
        repeats=predicted.repeats if predicted and predicted.content == content else (),
    )


def _content(parts: Parts, group: Sequence[Region]) -> tuple[Span, ...]:
    content: list[Span] = []
    for region in sorted(group, key=lambda region: region.span):
        if content and content[-1].overlaps(region.span):
            parts.refuse(region.id, Fault.OVERLAP, f"{place_of(region.span)} and another part of the same content")
        else:
            content.append(region.span)
    return tuple(content)


def _span_of(parts: Parts, places: Mapping[str, str], main: Region, group: Sequence[Region]) -> Span | None:
    return next((parts.regions[places[r.id]].span for r in (main, *group) if r.id in places), None)


def _choice(parts: Parts, region: Region, choices: type[Choice], said: str | None) -> Choice | None:
    if not said:
        return None
    try:
        return choices(said)
    except ValueError:
        parts.refuse(region.id, Fault.UNKNOWN_CHOICE, repr(said))
        return None


def _named(
    parts: Parts, region: Region, name: str, said: Mapping[str, str], predicted: Quotation | None, sent: Sent
) -> Speaker | None:
    """Who is written in the region's field; the kind that was not chosen is a person's, of a relayer an agency's."""
    if not said.get(name):
        return None
    kind = _choice(parts, region, SpeakerKind, said.get(f"{name}_kind"))
    kind = kind or (SpeakerKind.PERSON if name == "speaker" else SpeakerKind.ORGANIZATION)
    alike = [speaker for speaker in _speakers(sent, predicted) if one_line(speaker.name) == said[name]]
    same = next((speaker for speaker in alike if speaker.kind is kind), None)
    return same or (replace(alike[0], kind=kind) if alike else Speaker(said[name], kind))


def _of_source(
    parts: Parts, region: Region, source: Span | None, raw: str, sent: Sent, predicted: Quotation | None
) -> Speaker | None:
    """Whom the words of the source name, where the field is empty."""
    if source is None or (predicted and predicted.speaker is None):
        return None
    words = source.of(raw)
    kind = _choice(parts, region, SpeakerKind, region.said.get("speaker_kind"))
    for speaker in _speakers(sent, predicted):
        if words in speaker.mentions and kind in (None, speaker.kind):
            return speaker
    return Speaker(one_line(words), kind or SpeakerKind.PERSON)


def _speakers(sent: Sent, predicted: Quotation | None) -> Iterator[Speaker]:
    """Those that were sent, of the same quotation first."""
    for quotation in (*([predicted] if predicted else []), *sent.quotations):
        yield from (speaker for speaker in (quotation.speaker, quotation.via) if speaker)


def _with_mentions(quotations: Sequence[Quotation], raw: str, sent: Sent) -> Iterator[Quotation]:
    """A speaker that was not sent is mentioned by the words of its sources."""
    words: dict[Speaker, dict[str, None]] = {}
    known = set(_speakers(sent, None))
    for quotation in quotations:
        if quotation.speaker and quotation.speaker not in known and not quotation.speaker.mentions and quotation.source:
            words.setdefault(quotation.speaker, {})[quotation.source.of(raw)] = None
    for quotation in quotations:
        if quotation.speaker in words:
            yield replace(quotation, speaker=replace(quotation.speaker, mentions=tuple(words[quotation.speaker])))
        else:
            yield quotation


def _origins(parts: Parts, found: Mapping[str, Quotation], sent: Sent) -> dict[str, Origin]:
    """Of every region by its id. A cue or source that was sent and is left without content went with it."""
    origins = {}
    for key, region in parts.regions.items():
        known = sent.regions.get(key)
        if known is None:
            origins[key] = Origin.ADDED
        elif (known.role, known.span) != (region.role, region.span) or not _says_the_same(parts, key, found, sent):
            origins[key] = Origin.CHANGED
        else:
            origins[key] = Origin.UNTOUCHED if parts.used(key) else Origin.DELETED
        if not parts.used(key) and origins[key] is not Origin.DELETED:
            place = place_of(region.span)
            parts.refuse(key, Fault.NO_CONTENT, f"a {region.role.value} at {place} that no content points to")
    missing = [key for key in sent.regions if key not in parts.regions]
    return origins | {key: Origin.CHANGED if key in parts.bad else Origin.DELETED for key in missing}


def _says_the_same(parts: Parts, key: str, found: Mapping[str, Quotation], sent: Sent) -> bool:
    """Whether a content has the type, the speakers and the relations that it was sent with."""
    known = sent.regions[key]
    if known.role is not Role.CONTENT:
        return True
    predicted = sent.quotations[known.position]
    if known.part:
        return parts.main(key) == main_id(known)
    now = found.get(key)
    return now is not None and (
        (now.type, now.speaker, now.via) == (predicted.type, predicted.speaker, predicted.via)
        and parts.cues.get(key) == (predicted.cue and region_id(Role.CUE, predicted.cue))
        and parts.sources.get(key) == (predicted.source and region_id(Role.SOURCE, predicted.source))
    )


def _verdict(parts: Parts, origins: Mapping[str, Origin]) -> Verdict:
    status = parts.article.get("status", OK)
    if status == BAD_TEXT:
        return Verdict.REJECTED
    if status not in (OK, NO_QUOTATIONS):
        parts.refuse("", Fault.UNKNOWN_CHOICE, f"status {status!r}")
    if status == NO_QUOTATIONS:
        if not {Origin.ADDED, Origin.CHANGED} & set(origins.values()):
            return Verdict.NO_QUOTATIONS
        parts.refuse("", Fault.CONTRADICTION, "“no quotations” is chosen, and regions were drawn or changed")
        return Verdict.UNCLEAR
    if any(region.role is Role.CONTENT for region in parts.regions.values()):
        untouched = set(origins.values()) <= {Origin.UNTOUCHED} and not parts.problems
        return Verdict.ACCEPTED if untouched else Verdict.CORRECTED
    return Verdict.UNCLEAR if parts.problems else Verdict.NO_QUOTATIONS


def _cut_words(parts: Parts, raw: str, sent: Sent) -> Iterator[Problem]:
    """Boundaries inside a word, where the reviewer set them: as Label Studio does that resizes a region after emoji."""
    for region in parts.regions.values():
        known = sent.regions.get(region.id)
        if known and known.span == region.span:
            continue
        start, end = region.span.start, region.span.end
        before = _word_before(raw, start)
        cuts_start = _joined(raw, start) and not _PROCLITICS.fullmatch(before)
        if cuts_start or _joined(raw, end):
            emoji = sum(char > "\uffff" for char in raw[:end])
            drift = f"; {emoji} emoji before it, which move an end that is dragged" if emoji else ""
            yield Problem(Fault.CUTS_WORD, f"{region.role.value} at {place_of(region.span)}{drift}", region.id)


def _joined(raw: str, place: int) -> bool:
    return 0 < place < len(raw) and _in_word(raw[place - 1]) and _in_word(raw[place])


def _word_before(raw: str, place: int) -> str:
    first = place
    while first > 0 and _in_word(raw[first - 1]):
        first -= 1
    return raw[first:place]


def _in_word(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char).startswith("M")
