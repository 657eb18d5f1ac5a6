"""The article in the page: which paragraphs are a story, which are the page around it.

A page as scraped holds menus, dates, lists of links, share buttons, sometimes a second article and sometimes
the same paragraphs twice. Every line of it is read by its shape first and by a short list of phrases second;
a line that could be either stays, because a lost paragraph costs more than a kept menu.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import groupby

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
    lines = [_line(raw, span, first=not i) for i, span in enumerate(_line_spans(raw))]
    found: list[list[_Line]] = [[]]
    for under, section in _sections(lines):
        if under is _Kind.LINKS:
            _read_links(section, found)
        elif under is None or not _are_comments(section, found[-1]):
            found[-1].extend(_article_lines(section))
    return _once(found, lines)


# --- lines -------------------------------------------------------------------------------------------------


class _Kind(Enum):
    PROSE = auto()  # a paragraph of running text
    SHORT = auto()  # a headline, a sub-headline, a label, a line of verse, a piece of a broken sentence
    ITEM = auto()  # SHORT after a bullet
    FURNITURE = auto()  # a date, a byline, keywords, buttons: never part of an article
    LINKS = auto()  # opens a list of links to other articles
    COMMENTS = auto()  # opens what readers wrote


@dataclass(frozen=True, slots=True)
class _Line:
    span: Span
    text: str
    folded: str
    kind: _Kind

    @property
    def is_prose(self) -> bool:
        return self.kind is _Kind.PROSE

    @property
    def has_bullet(self) -> bool:
        return _BULLET.match(self.folded) is not None

    @property
    def words(self) -> int:
        return self.folded.count(" ") + 1


# Not splitlines(): offsets are into raw. A paragraph's edge holds no bidi marks and no zero-width characters.
_LINE = re.compile(r"[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_EDGE = "".join(map(chr, (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF)))
_INVISIBLE = "ـ" + _EDGE + "".join(map(chr, range(0x64B, 0x653))) + "\u0670"
_FOLD = str.maketrans("أإآٱىیکة", "ااااييكه") | dict.fromkeys(map(ord, _INVISIBLE))


def _line_spans(raw: str) -> Iterator[Span]:
    edge = _EDGE + "".join(map(chr, (9, 32, 0xA0, 0x202F, 0x3000)))
    for match in _LINE.finditer(raw):
        start = match.end() - len(match[0].lstrip(edge))
        end = match.start() + len(match[0].rstrip(edge))
        if start < end:
            yield Span(start, end)


def _line(raw: str, span: Span, *, first: bool) -> _Line:
    text = span.of(raw)
    folded = " ".join(text.translate(_FOLD).split())
    return _Line(span, text, folded, _kind(folded, first=first))


_BULLET = re.compile(r"(?:[-–—•*▪●■◾◄»←→]|[·o] )\s*(?=\S)")
_ENDS_STATEMENT = re.compile(r"(?<!\.)\.[\s\"'”“»«)\]]*$")
_ENDS_SENTENCE = re.compile(r"[.؟!][\s\"'”“»«)\]]*$")
_ENDS_OPEN = re.compile(r"[.:؛،,…]\W*$")
_SENTENCE_INSIDE = re.compile(r"[.؟!:] +\w")
_WEEKDAY = re.compile(r"السبت|الاحد|الاثنين|الثلاثاء|الاربعاء|الخميس|الجمعه")
_BEGINS_WITH_NUMBER = re.compile(r"\W*\d+\W")
_WORD = re.compile(r"[^\W\d_]{2,}")
_NO_LETTERS = re.compile(r"[\W\d_]*")

# How a paragraph begins that goes on with what stands before it. The exceptions are words that begin with و
# themselves, as headlines and leads may.
_GOES_ON = re.compile(
    r"و(?!زير|زار|زراء|كال|فد|فود|فا[هتق]|اشنطن|ارسو|سط|سائل|قع|قف|صل|جه|جد|لي\b|لايه|لاد|لد|حد|الد|ثيق|ثائق|صف|رد"
    r"|ضع|زع|ست|رش|عد|اس\b)\w+\b"
    r"|(?:كما|لكن|غير|الا|اما|بينما|فيما|كذلك|ايضا|ثم|هذا|يذكر|يشار|الجدير|جدير|بدورها?|بالمقابل)\b"
    r"|(?:من|الي|في|علي) (?:جانب|جهت|جهه|ناحيت|المقابل|السياق|سياق|ذلك|هذ|الاثناء|حين|الجانب)"
)
_TAKES_UP = re.compile(
    rf"{_GOES_ON.pattern}|و|ف[اي]\w+|[\"«“”]"
    r"|(?:جاء|جاءت|ياتي|تاتي|كان|كانت|ذلك|هو|هي|هم|تلك|لم|لن|لا|قد|اضاف|اضافت|تابع|تابعت|اوضح|اوضحت)\b"
)
_LINKS = re.compile(
    r"(?:اقرا|اقراوا|اقرؤوا|شاهد|شاهدوا|طالع|تابع|انظر) (?:ايضا|كذلك|المزيد|في هذا الملف)\b"
    r"|(?:ال)?(?:موضوعات|مواضيع|مقالات|اخبار|روابط|قصص|مواد|تقارير|عناوين)"
    r" (?:ال)?(?:ذات (?:ال)?صله|ذات علاقه|متعلقه|مشابهه|اخري|متفرقه|مرتبطه|مختاره|قد)\b"
    r"|(?:ذات|ذو) صله\b|قد (?:ي|ت)(?:همك|عجبك)\b"
    r"|(?:(?:ال)?(?:اخبار|مقالات) )?(?:ال)?اكثر (?:قراءه|مشاهده|تداولا|شيوعا|تعليقا)\b"
    r"|(?:اخر|احدث) الاخبار\b|عرض مقالات\b|مقالات الكاتب\b|المزيد من (?:ال)?(?:اخبار|مقالات)\b|للمزيد\b"
    r"|(?:related|read also|see also|more (?:news|stories)|you may)\b",
    re.IGNORECASE,
)
# «اقرأ أيضا: …» with the link on the same line.
_LINK = re.compile(
    rf"(?:{_LINKS.pattern}|(?:اقرا|شاهد|كذلك)(?= ?[:.|/]))[^:.|/…]{{0,30}}?[:.|/…]+ ?\S", re.IGNORECASE
)
_COMMENTS = re.compile(
    r"(?:ال)?تعليقات(?: (?:القراء|الزوار|المستخدمين))?[\s:()\d]*|comments[\s:()\d]*"
    r"|.*مسؤول عن اراء المعلقين.*",
    re.IGNORECASE,
)
_DATED = re.compile(
    r"(?:[\W\d_]|\b(?:"
    r"يناير|فبراير|مارس|ابريل|افريل|مايو|ماي|يونيو|يوليو|اغسطس|سبتمبر|اكتوبر|نوفمبر|ديسمبر"
    r"|نيسان|ايار|حزيران|تموز|اب|ايلول|تشرين|كانون|شباط|اذار|الاول|الثاني|اول|ثاني"
    r"|جانفي|فيفري|جوان|جويليه|اوت|يوليوز|غشت|شتنبر|نونبر|دجنبر"
    r"|محرم|صفر|ربيع|الاخر|جمادي|الاولي|الاخره|رجب|شعبان|رمضان|شوال|ذو|ذي|القعده|الحجه"
    r"|السبت|الاحد|الاثنين|الثلاثاء|الاربعاء|الخميس|الجمعه|اليوم|يوم|ايام|الساعه|ساعه|ساعات|دقيقه|دقائق"
    r"|ص|م|ه|د|صباحا|مساء|منذ|قبل|في|اخر|تحديث|تاريخ|التاريخ|بتاريخ|نشر|النشر|للجدول|زمن|القراءه|قراءه"
    r"|عدد|المشاهدات|مشاهده|التعليقات|تعليقات|حجم|الخط"
    r"|(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?|am|pm|gmt"
    r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*|posted|on|by|admin|updated|published|comments?"
    r")\b)+",
    re.IGNORECASE,
)
_BYLINE = re.compile(
    r"(?:(?:كتب|كتبت|المحرر|الكاتب|الكاتبه|المراسل|تحرير|تصوير|ترجمه|اعداد|المصدر|القسم|متابعه) ?[:/]|بقلم\b)"
    r"[^«\"“”]*"
)
_FURNITURE = re.compile(
    r"your browser|follow us|tweet\b|share\b|a post shared|tags\b"
    r"|(?:ال)?كلمات (?:ال)?(?:دلاليه|مفتاحيه|البحث)\b|(?:ال)?(?:وسوم|اوسمه|تاغات|هاشتاغ) ?:"
    r"|شارك ?:|شارك(?:ها|ه|وا)?(?: هذا| هذه)? (?:ال)?(?:خبر|مقال|مقاله|موضوع|برايك)\b"
    r"|تابعونا\b|تابعوا .*(?:عبر|علي) |اشترك(?:وا)? في (?:نشرتنا|قناتنا|النشره)|بريدك الالكتروني"
    r"|حمل(?:وا)? (?:ال)?تطبيق|اضغط هنا|للانضمام|للتبليغ عن خطا|طباعه\b|نسخه? (?:الرابط|للطباعه)|ارسل لصديق"
    r"|(?:اضف|اترك) تعليق|قيم المقال|صوت ?:|زمن القراءه|حجم الخط|الاراء الوارده|تعليق الصوره"
    r"|جميع الحقوق|حقوق (?:النشر|الطبع)|هذا الموقع يستخدم|نحن نهتم بخصوصيتك|\[(?:صوره|فيديو|مشاهده)",
    re.IGNORECASE,
)


def _kind(folded: str, *, first: bool) -> _Kind:
    words = folded.count(" ") + 1
    if _is_furniture(folded, words) or (
        not first and words <= 25 and _LINK.match(_BULLET.sub("", folded, 1))
    ):
        return _Kind.FURNITURE
    if words <= 7 and _COMMENTS.fullmatch(folded):
        return _Kind.COMMENTS
    if words <= 7 and (links := _LINKS.match(folded)) and not _ENDS_STATEMENT.search(folded):
        if not first or not folded[links.end() :].strip(" :"):
            return _Kind.LINKS
    if words >= 16 or (words >= 5 and (_ENDS_STATEMENT.search(folded) or _GOES_ON.match(folded))):
        return _Kind.PROSE
    return _Kind.ITEM if _BULLET.match(folded) else _Kind.SHORT


def _is_furniture(folded: str, words: int) -> bool:
    return (
        (words <= 20 and (_NO_LETTERS.fullmatch(folded) is not None or _is_dated(folded)))
        or (words <= 12 and _FURNITURE.match(folded) is not None)
        or (words <= 6 and _BYLINE.fullmatch(folded) is not None)
    )


def _is_dated(folded: str) -> bool:
    return _DATED.fullmatch(folded) is not None and any(map(str.isdigit, folded))


# --- sections ----------------------------------------------------------------------------------------------


def _sections(lines: Iterable[_Line]) -> Iterator[tuple[_Kind | None, list[_Line]]]:
    """Cuts at LINKS and COMMENTS lines; gives the kind of line that a section stands under, and the section."""
    under: _Kind | None = None
    section: list[_Line] = []
    for line in lines:
        if line.kind in (_Kind.LINKS, _Kind.COMMENTS):
            yield under, section
            under, section = line.kind, []
        else:
            section.append(line)
    yield under, section


def _article_lines(section: Sequence[_Line]) -> list[_Line]:
    """Without furniture, without what trails behind it at the end, and without runs of headlines."""
    last = max((i for i, line in enumerate(section) if line.is_prose), default=len(section))
    end = next((i for i in range(last, len(section)) if section[i].kind is _Kind.FURNITURE), len(section))
    return _without_leads(_without_headlines(_without_furniture(section[:end])))


def _without_furniture(section: Iterable[_Line]) -> list[_Line]:
    return [line for line in section if line.kind is not _Kind.FURNITURE]


def _without_headlines(lines: list[_Line]) -> list[_Line]:
    """Without runs of headlines that nothing announces: three or more after a paragraph, four above the first.

    Of those above the first, the ones that share words with the paragraphs below stay.
    """
    if _is_broken(lines):
        return lines
    lead = _stems([line for line in lines if line.is_prose][:3])
    kept: list[_Line] = []
    for are_headlines, group in groupby(lines, _is_headline):
        run = list(group)
        if are_headlines and not any(line.is_prose for line in kept):
            kept += _related(run, lead) if len(run) >= 4 else run
        elif not (are_headlines and _are_links(run, kept, at_end=run[-1] is lines[-1])):
            kept += run
    return kept


def _related(run: list[_Line], lead: set[str]) -> list[_Line]:
    related = [line for line in run if line.has_bullet or _stems([line]) & lead]
    return related or run


def _is_broken(lines: Sequence[_Line]) -> bool:
    """Whether lines are verse or wrapped by hand, so that a line without a full stop says nothing."""
    prose = [line for line in lines if line.is_prose]
    stopped = sum(_ENDS_SENTENCE.search(line.folded) is not None for line in prose)
    return 2 * stopped < len(prose) or all(len(line.text) <= 120 for line in lines)


def _is_headline(line: _Line) -> bool:
    return (
        not line.is_prose
        and 4 <= len(_WORD.findall(line.folded)) <= 15
        and not (_ENDS_OPEN.search(line.folded) or _BEGINS_WITH_NUMBER.match(line.folded))
    )


def _are_links(run: Sequence[_Line], above: Sequence[_Line], *, at_end: bool) -> bool:
    if at_end and above[-1].kind is _Kind.SHORT and above[-1].words < 4:  # «مختارات» and its like
        above = above[:-1]
    if any(line.has_bullet for line in run) and not (
        at_end and sum(line.words for line in run) >= 6 * len(run)
    ):
        return False
    return len(run) >= 3 and above[-1].is_prose and _ENDS_SENTENCE.search(above[-1].folded) is not None


def _without_leads(lines: list[_Line]) -> list[_Line]:
    """Without the first sentences of other stories pasted at the end: four to six leads, two naming a day."""
    start = len(lines)
    while start and _is_lead(lines[start - 1]):
        start -= 1
    leads = lines[start:]
    days = sum(_WEEKDAY.search(line.folded) is not None for line in leads)
    begun = sum(line.is_prose for line in lines[:start]) >= 2
    return lines[:start] if begun and 4 <= len(leads) <= 6 and days >= 2 else lines


def _is_lead(line: _Line) -> bool:
    """One sentence of the length of a lead that takes up nothing said before."""
    return (
        line.is_prose
        and 12 <= line.words <= 45
        and not (line.has_bullet or _TAKES_UP.match(line.folded) or _SENTENCE_INSIDE.search(line.folded))
    )


def _are_comments(section: Sequence[_Line], story: Sequence[_Line]) -> bool:
    """Not so where the word stood above the article, as the link down to its comments does."""
    return sum(line.words for line in section) < sum(line.words for line in story if line.is_prose)


def _read_links(section: Sequence[_Line], found: list[list[_Line]]) -> None:
    """Passes over the list; what follows it goes on with the last story of ``found`` or begins another."""
    start = next((i for i, line in enumerate(section) if _is_text(line)), len(section))
    listed, rest, story = _without_furniture(section[:start]), _article_lines(section[start:]), found[-1]
    if not rest or _are_teasers(listed, rest, besides=story):
        return
    headline = [] if _GOES_ON.match(rest[0].folded) else _headline(listed, rest, besides=story)
    if headline and any(line.is_prose for line in story):
        found.append([*headline, *rest])
    else:
        story.extend([*(headline if story else headline or listed[-1:]), *rest])


def _is_text(line: _Line) -> bool:
    """Whether a list of links ends here; a link with a bullet may be as long as a short paragraph."""
    return line.is_prose and (line.words > 25 or not line.has_bullet)


def _headline(listed: Sequence[_Line], rest: Sequence[_Line], besides: Sequence[_Line]) -> list[_Line]:
    """The line of a list that is the headline of what follows the list, with the bylines between; often none.

    It shares words with the paragraphs under it that the story before has not used.
    """
    lead = _stems(line for line in rest[:3] if line.is_prose) - _stems(besides)
    shared = [0 if line.kind is _Kind.ITEM else len(_stems([line]) & lead) for line in listed]
    best = max(range(len(listed)), key=lambda i: (shared[i], i), default=0)
    return list(listed[best:]) if max(shared, default=0) > (len(listed) > 2) else []


def _are_teasers(listed: Sequence[_Line], rest: Sequence[_Line], besides: Sequence[_Line]) -> bool:
    """Whether headlines with the first sentences of their stories follow, and not an article."""
    above = [*listed[-1:], *rest]
    pairs = [(before, line) for before, line in zip(above, rest, strict=False) if line.is_prose]
    known = _stems(besides)
    related = sum(bool(_stems([before]) & _stems([line]) - known) for before, line in pairs)
    longest = 40 if len(pairs) == 1 else 60
    return 2 * related >= len(pairs) and all(
        before.kind is _Kind.SHORT
        and before.words >= 3
        and line.words <= longest
        and not _GOES_ON.match(line.folded)
        for before, line in pairs
    )


_STEM = re.compile(r"\b[وف]?[بلك]?(?:ال|لل)?(\w{4,})")


def _stems(lines: Iterable[_Line]) -> set[str]:
    return {stem[:5] for line in lines for stem in _STEM.findall(line.folded)}


# --- repeats -----------------------------------------------------------------------------------------------


def _once(found: Iterable[Sequence[_Line]], lines: Iterable[_Line]) -> list[Story]:
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
