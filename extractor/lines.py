"""The lines of a page, and what each of them looks like."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from extractor.quotation import Span


class Kind(Enum):
    PROSE = auto()  # a paragraph of running text
    SHORT = auto()  # a headline, a sub-headline, a label, a line of verse, a piece of a broken sentence
    ITEM = auto()  # SHORT after a bullet
    FURNITURE = auto()  # a date, a byline, keywords, buttons: never part of an article
    LINKS = auto()  # opens a list of links to other articles
    COMMENTS = auto()  # opens what readers wrote


@dataclass(frozen=True, slots=True)
class Line:
    """``folded`` is ``text`` in single spaces, without diacritics and variants of alef, ya and ta marbuta."""

    span: Span
    text: str
    folded: str
    kind: Kind

    @property
    def is_prose(self) -> bool:
        return self.kind is Kind.PROSE

    @property
    def words(self) -> int:
        return self.folded.count(" ") + 1

    @property
    def has_bullet(self) -> bool:
        return _BULLET.match(self.folded) is not None

    @property
    def goes_on(self) -> bool:
        """Whether it begins as a paragraph does that goes on with the one before."""
        return _GOES_ON.match(self.folded) is not None

    @property
    def ends_sentence(self) -> bool:
        return _ENDS_SENTENCE.search(self.folded) is not None

    @property
    def names_day(self) -> bool:
        return _WEEKDAY.search(self.folded) is not None

    @property
    def is_headline(self) -> bool:
        """As far as its shape tells: many a line of verse or of a list is one too."""
        return (
            not self.is_prose
            and 4 <= len(_WORD.findall(self.folded)) <= 15
            and not (_ENDS_OPEN.search(self.folded) or _BEGINS_WITH_NUMBER.match(self.folded))
        )

    @property
    def is_lead(self) -> bool:
        """One sentence of the length of an article's first, which takes up nothing said before."""
        return (
            self.is_prose
            and 12 <= self.words <= 45
            and not (self.has_bullet or _TAKES_UP.match(self.folded) or _SENTENCE_INSIDE.search(self.folded))
        )


def read_lines(raw: str) -> list[Line]:
    """The lines of ``raw`` that are not blank, without the space around them."""
    return [_line(raw, span, first=not i) for i, span in enumerate(_spans(raw))]


def stems(lines: Iterable[Line]) -> set[str]:
    """Their words of four letters and more, without articles and prefixes, cut to five letters."""
    return {stem[:5] for line in lines for stem in _STEM.findall(line.folded)}


# Not splitlines(): offsets are into raw. A paragraph's edge holds no bidi marks and no zero-width characters.
_LINE = re.compile(r"[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_EDGE = "".join(map(chr, (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF)))
_INVISIBLE = "ـ" + _EDGE + "".join(map(chr, range(0x64B, 0x653))) + "\u0670"
_FOLD = str.maketrans("أإآٱىیکة", "ااااييكه") | dict.fromkeys(map(ord, _INVISIBLE))


def _spans(raw: str) -> Iterator[Span]:
    edge = _EDGE + "".join(map(chr, (9, 32, 0xA0, 0x202F, 0x3000)))
    for match in _LINE.finditer(raw):
        start = match.end() - len(match[0].lstrip(edge))
        end = match.start() + len(match[0].rstrip(edge))
        if start < end:
            yield Span(start, end)


def _line(raw: str, span: Span, *, first: bool) -> Line:
    text = span.of(raw)
    folded = " ".join(text.translate(_FOLD).split())
    return Line(span, text, folded, _kind(folded, first=first))


_BULLET = re.compile(r"(?:[-–—•*▪●■◾◄»←→]|[·o] )\s*(?=\S)")
_ENDS_STATEMENT = re.compile(r"(?<!\.)\.[\s\"'”“»«)\]]*$")
_ENDS_SENTENCE = re.compile(r"[.؟!][\s\"'”“»«)\]]*$")
_ENDS_OPEN = re.compile(r"[.:؛،,…]\W*$")
_SENTENCE_INSIDE = re.compile(r"[.؟!:] +\w")
_WEEKDAY = re.compile(r"السبت|الاحد|الاثنين|الثلاثاء|الاربعاء|الخميس|الجمعه")
_BEGINS_WITH_NUMBER = re.compile(r"\W*\d+\W")
_WORD = re.compile(r"[^\W\d_]{2,}")
_STEM = re.compile(r"\b[وف]?[بلك]?(?:ال|لل)?(\w{4,})")
_NO_LETTERS = re.compile(r"[\W\d_]*")

# How a paragraph begins that goes on with what stands before it. The exceptions are words that begin with و
# themselves, as headlines and leads may.
_GOES_ON = re.compile(
    r"و(?!زير|زار|زراء|كال|فد|فود|فا[هتق]|اشنطن|ارسو|سط|سائل|قع|قف|صل|جه|جد|لي\b|لايه|لاد|لد|حد|الد|ثيق|ثائق|صف|رد"
    r"|ضع|زع|ست|رش|عد|اس\b)\w+[ ،]"
    r"|(?:كما|لكن|غير|الا|اما|بينما|فيما|كذلك|ايضا|ثم|هذا|يذكر|يشار|الجدير|جدير|بدورها?|بالمقابل)\b"
    r"|(?:من|الي|في|علي) (?:جانب|جهت|جهه|ناحيت|المقابل|السياق|سياق|ذلك|هذ|الاثناء|حين|الجانب)"
)
_TAKES_UP = re.compile(
    rf"{_GOES_ON.pattern}|و|ف(?:ال|ان|يما)|[\"«“”]"
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
_LINK = re.compile(rf"(?:{_LINKS.pattern}|(?:اقرا|شاهد|كذلك)(?= ?[:.|/]))[^:.|/…]{{0,30}}?[:.|/…]+ ?\S", re.IGNORECASE)
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
    r"|حمل(?:وا)? (?:ال)?تطبيق|اضغط هنا|للانضمام الي (?:مجموعه|قناه)|للتبليغ عن خطا"
    r"|طباعه(?: المقال| الخبر)? ?(?:\||$)|نسخه? (?:الرابط|للطباعه)|ارسل لصديق"
    r"|(?:اضف|اترك) تعليق|قيم المقال|صوت ?:|زمن القراءه|حجم الخط|الاراء الوارده|تعليق الصوره"
    r"|جميع الحقوق|حقوق (?:النشر|الطبع)|هذا الموقع يستخدم|نحن نهتم بخصوصيتك|\[(?:صوره|فيديو|مشاهده)",
    re.IGNORECASE,
)


def _kind(folded: str, *, first: bool) -> Kind:
    words = folded.count(" ") + 1
    if _is_furniture(folded, words) or (not first and words <= 25 and _LINK.match(_BULLET.sub("", folded, 1))):
        return Kind.FURNITURE
    if words <= 7 and _COMMENTS.fullmatch(folded):
        return Kind.COMMENTS
    if words <= 7 and _opens_links(folded, first=first):
        return Kind.LINKS
    if words >= 16 or (words >= 5 and (_ENDS_STATEMENT.search(folded) or _GOES_ON.match(folded))):
        return Kind.PROSE
    return Kind.ITEM if _BULLET.match(folded) else Kind.SHORT


def _opens_links(folded: str, *, first: bool) -> bool:
    phrase = _LINKS.match(folded)
    if phrase is None or _ENDS_STATEMENT.search(folded):
        return False
    return not first or not folded[phrase.end() :].strip(" :")  # the first line may be a headline


def _is_furniture(folded: str, words: int) -> bool:
    return (
        (words <= 20 and (_NO_LETTERS.fullmatch(folded) is not None or _is_dated(folded)))
        or (words <= 12 and _FURNITURE.match(folded) is not None)
        or (words <= 6 and _BYLINE.fullmatch(folded) is not None)
    )


def _is_dated(folded: str) -> bool:
    return _DATED.fullmatch(folded) is not None and any(map(str.isdigit, folded))
