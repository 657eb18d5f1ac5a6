"""The article in the page: which paragraphs are a story, which are the page around it.

A page as scraped holds menus, dates, lists of links, share buttons, sometimes a second article and sometimes
the same paragraphs twice. Every line of it is read by its shape first and by a short list of phrases second;
a line that could be either stays, because a lost paragraph costs more than a kept menu.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from extractor.lines import Kind, Line, read_lines, stems
from extractor.quotation import Span


@dataclass(frozen=True, slots=True)
class Paragraph:
    """``repeats`` are the other places of the same text in the page, each as long as ``span``."""

    span: Span
    repeats: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """One article of a page: its headline and its body, in the order of the page."""

    paragraphs: tuple[Paragraph, ...]


def stories(raw: str) -> list[Story]:
    """The articles in ``raw``, with offsets into ``raw``; empty where no line could be part of an article.

    A paragraph that the page holds again is given once, at its first place.
    """
    lines = read_lines(raw)
    found: list[list[Line]] = [[]]
    for under, section in _sections(lines):
        if under is Kind.LINKS:
            _read_links(section, found)
        elif under is None or not _are_comments(section, found[-1]):
            found[-1].extend(_article_lines(section))
    return _once(found, lines)


def _sections(lines: Iterable[Line]) -> Iterator[tuple[Kind | None, list[Line]]]:
    """Cuts at LINKS and COMMENTS lines; gives the kind of line that a section stands under, and its lines."""
    under: Kind | None = None
    section: list[Line] = []
    for line in lines:
        if line.kind in (Kind.LINKS, Kind.COMMENTS):
            yield under, section
            under, section = line.kind, []
        else:
            section.append(line)
    yield under, section


def _article_lines(section: Sequence[Line]) -> list[Line]:
    """Without furniture, without what trails behind it at the end, and without runs of headlines."""
    last = max((i for i, line in enumerate(section) if line.is_prose), default=len(section))
    end = next((i for i in range(last, len(section)) if section[i].kind is Kind.FURNITURE), len(section))
    return _without_leads(_without_headlines(_without_furniture(section[:end])))


def _without_furniture(section: Iterable[Line]) -> list[Line]:
    return [line for line in section if line.kind is not Kind.FURNITURE]


def _without_headlines(lines: list[Line]) -> list[Line]:
    """Without runs of headlines that nothing announces: three after a paragraph, four above the first.

    Of those above the first, the ones that share words with the paragraphs below stay.
    """
    if _is_broken(lines):
        return lines
    lead = stems([line for line in lines if line.is_prose][:3])
    kept: list[Line] = []
    for are_headlines, group in groupby(lines, lambda line: line.is_headline):
        run = list(group)
        if are_headlines and not any(line.is_prose for line in kept):
            kept += _related(run, lead) if len(run) >= 4 else run
        elif not (are_headlines and _are_links(run, kept, at_end=run[-1] is lines[-1])):
            kept += run
    return kept


def _related(run: list[Line], lead: set[str]) -> list[Line]:
    related = [line for line in run if line.has_bullet or stems([line]) & lead]
    return related or run


def _is_broken(lines: Sequence[Line]) -> bool:
    """Whether lines are verse or wrapped by hand, so that a line without a full stop says nothing."""
    prose = [line for line in lines if line.is_prose]
    stopped = sum(line.ends_sentence for line in prose)
    return 2 * stopped < len(prose) or all(len(line.text) <= 100 for line in lines)


def _are_links(run: Sequence[Line], above: Sequence[Line], *, at_end: bool) -> bool:
    if at_end and above[-1].kind is Kind.SHORT and above[-1].words < 4:  # «مختارات» and its like
        above = above[:-1]
    if any(line.has_bullet for line in run) and not (at_end and sum(line.words for line in run) >= 6 * len(run)):
        return False
    return len(run) >= 3 and above[-1].is_prose and above[-1].ends_sentence


def _without_leads(lines: list[Line]) -> list[Line]:
    """Without the first sentences of other stories pasted at the end: four to six leads, two naming a day."""
    start = len(lines)
    while start and lines[start - 1].is_lead:
        start -= 1
    leads = lines[start:]
    days = sum(line.names_day for line in leads)
    begun = sum(line.is_prose for line in lines[:start]) >= 2
    return lines[:start] if begun and 4 <= len(leads) <= 6 and days >= 2 else lines


def _are_comments(section: Sequence[Line], story: Sequence[Line]) -> bool:
    """Not so where the word stood above the article, as the link down to its comments does."""
    return sum(line.words for line in section) < sum(line.words for line in story if line.is_prose)


def _read_links(section: Sequence[Line], found: list[list[Line]]) -> None:
    """Passes over the list; what follows it goes on with the last story of ``found`` or begins another."""
    start = next((i for i, line in enumerate(section) if _is_text(line)), len(section))
    listed, rest, story = _without_furniture(section[:start]), _article_lines(section[start:]), found[-1]
    if not rest or _are_teasers(listed, rest, besides=story):
        return
    headline = [] if rest[0].goes_on else _headline(listed, rest, besides=story)
    if headline and any(line.is_prose for line in story):
        found.append([*headline, *rest])
    else:
        story.extend([*(headline if story else headline or listed[-1:]), *rest])


def _is_text(line: Line) -> bool:
    """Whether a list of links ends here; a link with a bullet may be as long as a short paragraph."""
    return line.is_prose and (line.words > 25 or not line.has_bullet)


def _headline(listed: Sequence[Line], rest: Sequence[Line], besides: Sequence[Line]) -> list[Line]:
    """The line of a list that is the headline of what follows the list, with the bylines between; often none.

    It shares words with the paragraphs under it that the story before has not used.
    """
    lead = stems(line for line in rest[:3] if line.is_prose) - stems(besides)
    shared = [0 if line.kind is Kind.ITEM else len(stems([line]) & lead) for line in listed]
    best = max(range(len(listed)), key=lambda i: (shared[i], i), default=0)
    return list(listed[best:]) if max(shared, default=0) > (len(listed) > 2) else []


def _are_teasers(listed: Sequence[Line], rest: Sequence[Line], besides: Sequence[Line]) -> bool:
    """Whether headlines with the first sentences of their stories follow, and not an article."""
    above = [*listed[-1:], *rest]
    pairs = [(before, line) for before, line in zip(above, rest, strict=False) if line.is_prose]
    known = stems(besides)
    related = sum(bool(stems([before]) & stems([line]) - known) for before, line in pairs)
    longest = 40 if len(pairs) == 1 else 60
    return 2 * related >= len(pairs) and all(
        before.kind is Kind.SHORT and before.words >= 3 and line.words <= longest and not line.goes_on
        for before, line in pairs
    )


def _once(found: Iterable[Sequence[Line]], lines: Iterable[Line]) -> list[Story]:
    """Copies that differ in spacing or diacritics are passed over too; only exact ones are ``repeats``."""
    places: dict[str, list[Span]] = defaultdict(list)
    for line in lines:
        places[line.text].append(line.span)
    seen: set[str] = set()
    result = []
    for story in found:
        paragraphs = []
        for line in story:
            if line.folded not in seen:
                seen.add(line.folded)
                others = tuple(span for span in places[line.text] if span != line.span)
                paragraphs.append(Paragraph(line.span, others))
        if paragraphs:
            result.append(Story(tuple(paragraphs)))
    return result
