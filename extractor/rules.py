"""The rule baseline that every checkpoint must beat: cues, complementizers, marks, the nearest noun phrase.

Each sentence is read from its cues. What follows أن, a colon, a mark or the preposition that the verb governs
is content; the words before that are the source. A cue without a source belongs to the last speaker.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from extractor.quotation import Quotation, QuotationType, Span, Speaker, SpeakerKind

_TOKEN = re.compile(r"[\w\u064b-\u0652\u0670]+|[^\w\s]")
_DIACRITICS = re.compile("[\u064b-\u0652\u0670\u0640]")
_ONE_SPELLING = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي"})
# Marks that nothing closes enclose the rest of the line.
_MARKED = re.compile(r"«[^«»\n]*»?|“[^“”\n]*[”“]?|”[^“”\n]*[“”]?|\"[^\"\n]*\"?")
_CLOSING = '»”“"'
_SENTENCE_END = re.compile(r"\n|[!؟?]|\.(?=\s|$|[ء-ي])|\Z")
_PAUSE = ("،", ",")
_EDGE = ".,،؛;:!؟?-–—…ـ\u200e\u200f"


def _verbs(perfect: str, imperfect: str, participle: str) -> re.Pattern[str]:
    """Folded words of these stems, with the clitics and endings that news uses."""
    return re.compile(
        f"[وف]?(?:(?:(?:{perfect})(?:ت|وا|ا)?|[يت](?:{imperfect})(?:ون|ان)?)(?:ه|ها|هم)?"
        f"|(?P<participle>(?:{participle})(?:ا|ة|ين)?))"
    )


# Their content is a clause, or stands in marks.
_SAYING = _verbs(
    "قال|اضاف|اكد|اعلن|اوضح|اشار|تابع|ذكر|كشف|شدد|افاد|اعتبر|لفت|صرح|كتب|راي|را|نقل|حذر|اعترف|توقع|بين|زعم|اظهر"
    "|علق|نوه|اردف|اقر|جاء|ورد|نفي|نف|اتهم|وصف|اختتم|استطرد|غرد|رد|ادعي|قدر|اقترح|جدد|ابلغ|خلص|توصل|تساءل",
    "قول|ضيف|ؤكد|علن|وضح|شير|ذكر|كشف|شدد|فيد|عتبر|كتب|ري|حذر|عترف|توقع|زعم|ظهر|نفي|تهم|صف|عتقد|نص|قر",
    "قائل|مضيف|مؤكد|معلن|موضح|مشير|كاشف|مشدد|معتبر|لافت|محذر|مبين|واصف|نافي|متهم|متابع|منوه|زاعم|متسائل|معترف",
)
# Their content may be a noun phrase after this preposition ("ب" is glued to it), or else the object ("").
_GOVERNING = {
    "الي": _verbs("دعا|دع", "دعو", "داعي"),
    "علي": _verbs("شدد|اكد|حث|اثني|اثن", "شدد|ؤكد|حث", "مشدد|مؤكد"),
    "عن": _verbs("اعرب|عبر|كشف|اعلن", "عرب|عبر|كشف", "معرب|معبر|كاشف"),
    "من": _verbs("حذر|سخر", "حذر|سخر", "محذر"),
    "ب": _verbs(
        "طالب|رحب|اشاد|ندد|تعهد|هدد|امر|اتهم|وصف|اعترف|نصح|وعد|توعد",
        "طالب|رحب|شيد|ندد|تعهد|هدد|تهم|صف|عترف",
        "مطالب|مرحب|مشيد|مندد|متعهد|مهدد|متهم|واصف",
    ),
    "": _verbs(
        "اعلن|نفي|نف|ادان|انتقد|استنكر|طلب|اكد|شكر|هنا|توقع",
        "علن|نفي|دين|نتقد|طلب|ستنكر|ؤكد|توقع",
        "نافي|معلن|مؤكد|منتقد",
    ),
}
_NO_CUES = ("بينهم", "بينها", "بينه", "فورد", "عبر")
_ATTRIBUTION = re.compile(r"و?(?:بحسب|حسب|حسبما|وفق|وفقا|نقلا)")
_THAT = re.compile(r"[بفو]?ان(?P<pronoun>ه|ها|هم|هما|ني|نا)?")
_GLUED_CONTENT = re.compile(r"ب(?!اسم|عد|ين|شكل|شان)(?:\w{3,})?")
_ADVERB = re.compile(r"ايضا|اليوم|امس|مساء|صباح|يوم|بدوره|بدورها|ال(?:سبت|احد|اثنين|ثلاثاء|اربعاء|خميس|جمعة)")
_NOT_SUBJECT = re.compile(
    r"[وف]?(?:الذي|التي|الذين|هو|هي|هم|خلال|بعد|قبل|عقب|عبر|الي|علي|عنه?|من|مع|لدي|اثر|حول|امام|بشان|ردا|تعليقا"
    r"|في(?:ه|ها|هم|ما)?|قد|ما|ان\w{0,2}|كما|بان|ذلك|حيث|لكن\w*|ل(?:ه|ها|هم|نا|ل\w+)"
    # The glued prepositions ل and ب, but for names and nouns that start so.
    r"|ل(?![ابني]|جن|وي|قط)\w{3,}|ب(?!ن |يت|اسم|ي)\w{4,})"
)
_CLAUSE_START = re.compile(r"و?لكن\w*|كما|فيما|بينما|و?كانت?|و?قد|حين|ان|و|هذا|من|جانبه|جانبها|جهته|جهتها")
_KINDS = {
    SpeakerKind.DOCUMENT: re.compile(r"(?:ال)?(?:بيان|تقرير|تقارير|دراسة|رسالة|استطلاع|نتائج|بيانات|قانون)"),
    SpeakerKind.ANONYMOUS: re.compile(r"(?:ال)?(?:مصدر|مصادر)|مسؤول\w*"),
    SpeakerKind.GROUP: re.compile(r"(?:ال)?(?:شهود|خبراء|علماء|\w{3,}ون)"),
    SpeakerKind.ORGANIZATION: re.compile(
        r"(?:ال)?(?:وزارة|وكالة|حكومة|شركة|منظمة|هيئة|صحيفة|شرطة|جيش|مرصد|حزب|حركة|لجنة|قناة|مجلس|اتحاد|بنك|معهد"
        r"|جامعة|سلطات|رئاسة|شبكة|موقع|مكتب|جماعة|تنظيم|مؤسسة|محكمة)"
    ),
}


def quotations(raw: str) -> list[Quotation]:
    """Of one article, in the order of its cues."""
    found: list[Quotation] = []
    for sentence in _sentences(raw):
        for quotation in _read(sentence):
            found.append(_attributed(raw, quotation, found))
    return found


@dataclass(frozen=True, slots=True)
class _Token:
    """``word`` is folded; ``quoted`` says that it stands between marks."""

    start: int
    end: int
    word: str
    quoted: bool

    @property
    def is_word(self) -> bool:
        return self.word[:1].isalnum()

    @property
    def verbs(self) -> list[re.Match[str]]:
        """The ways to read it as a cue."""
        if self.quoted or self.word in _NO_CUES:
            return []
        matches = (verb.fullmatch(self.word) for verb in (_SAYING, *_GOVERNING.values()))
        return [match for match in matches if match]


@dataclass(frozen=True, slots=True)
class _Sentence:
    """``marked`` maps the places where marks open to the ends of what they enclose."""

    raw: str
    tokens: tuple[_Token, ...]
    marked: dict[int, int]
    is_headline: bool

    def is_bare_that(self, i: int) -> bool:
        that = _THAT.fullmatch(self.tokens[i].word) if i < len(self.tokens) else None
        return bool(that and not that["pronoun"])

    def opens_speech(self, i: int) -> bool:
        """Whether marks open that enclose more than a name."""
        start = self.tokens[i].start
        return start in self.marked and len(self.raw[start : self.marked[start]].split()) >= 3

    def breaks(self, i: int) -> bool:
        """Whether a new attribution starts here, so that the content before it ends."""
        token, after_pause = self.tokens[i], i > 0 and not self.tokens[i - 1].is_word
        if _ATTRIBUTION.fullmatch(token.word):
            return not token.quoted and (after_pause or token.word in ("وفقا", "بحسب"))
        return bool(token.verbs) and (after_pause or token.word.startswith("و"))


def _sentences(raw: str) -> Iterator[_Sentence]:
    marked = {match.start(): match.end() for match in _MARKED.finditer(raw)}
    inside = {place for start, end in marked.items() for place in range(start + 1, end)}
    start = 0
    for match in _SENTENCE_END.finditer(raw):
        end = match.start()
        if end not in inside:
            tokens = tuple(
                _Token(*token.span(), _folded(token.group()), token.start() in inside)
                for token in _TOKEN.finditer(raw, start, end)
            )
            yield _Sentence(raw, tokens, marked, is_headline="\n" not in raw[:end].lstrip())
            start = match.end()


def _folded(word: str) -> str:
    return _DIACRITICS.sub("", word).translate(_ONE_SPELLING)


def _read(sentence: _Sentence) -> Iterator[Quotation]:
    """Without speakers."""
    said = False
    for i, token in enumerate(sentence.tokens):
        quotation = None
        if token.verbs:
            quotation = _from_verb(sentence, i)
        elif not said and not token.quoted and _ATTRIBUTION.fullmatch(token.word):
            quotation = _from_attribution(sentence, i)
        elif not said and sentence.is_headline and token.word == ":" and 0 < i <= 8:
            quotation = _quotation(sentence, i + 1, None, _noun_phrase(sentence, 0, i))
        if quotation:
            said = True
            yield quotation


def _from_verb(sentence: _Sentence, cue: int) -> Quotation | None:
    tokens = sentence.tokens
    start = _content_start(sentence, cue)
    if start is None:
        return None
    source = None
    if not _is_participle(tokens[cue]):
        source = _noun_phrase(sentence, cue + 1, start)
        if source is None and not tokens[cue].word.startswith("و"):
            source = _subject_before(sentence, cue)
    while start < len(tokens) and tokens[start].word in (":", "ب", *_PAUSE):
        start += 1
    return _quotation(sentence, start + sentence.is_bare_that(start), tokens[cue], source)


def _is_participle(cue: _Token) -> bool:
    return any(verb["participle"] for verb in cue.verbs)


def _content_start(sentence: _Sentence, cue: int) -> int | None:
    """Where the source ends: at a complementizer, a colon, a mark or a governed preposition."""
    tokens, word = sentence.tokens, sentence.tokens[cue].word
    governed = [preposition for preposition, verb in _GOVERNING.items() if verb.fullmatch(word)]
    for i in range(cue + 1, min(cue + 25, len(tokens))):
        if tokens[i].quoted:
            continue
        if _THAT.fullmatch(tokens[i].word) or sentence.opens_speech(i):
            return i
        if tokens[i].word == ":" and _SAYING.fullmatch(word):
            return i
        if tokens[i].word in governed:
            return i + 1
        if "ب" in governed and _GLUED_CONTENT.fullmatch(tokens[i].word):
            return i
        if sentence.breaks(i):
            break
    return _object(sentence, cue) if "" in governed else None


def _object(sentence: _Sentence, cue: int) -> int | None:
    """After the subject: the first indefinite word that follows a definite one."""
    tokens = sentence.tokens
    if _is_participle(tokens[cue]):
        return cue + 1
    for i in range(cue + 2, min(cue + 9, len(tokens))):
        if not tokens[i].is_word or _NOT_SUBJECT.fullmatch(tokens[i].word):
            return None
        # Read in the raw text: folding hides the hamza that tells إلغاء from an article.
        before, here = (sentence.raw.startswith("ال", token.start) for token in tokens[i - 1 : i + 1])
        if before and not here:
            return i
    return None


def _from_attribution(sentence: _Sentence, cue: int) -> Quotation | None:
    """وفقا لفلان، وحسبما قال فلان: after its content, or before it with a comma between."""
    tokens, verb = sentence.tokens, cue
    while verb + 1 < len(tokens) and tokens[verb + 1].word in ("ما", "لما", "عن", "ل"):
        verb += 1
    if tokens[verb].word in ("ما", "لما", "حسبما") and verb + 1 < len(tokens) and tokens[verb + 1].is_word:
        verb += 1
        cue_token = tokens[verb]
    else:
        cue_token = tokens[cue]
    source = _noun_phrase(sentence, verb + 1, len(tokens), glued=tokens[verb].word.endswith("وفقا"))
    if source is None:
        return None
    if cue > 2:
        return _quotation(sentence, 0, cue_token, source, end=cue)
    pause = next((i for i in range(verb + 1, len(tokens)) if tokens[i].word in _PAUSE), len(tokens))
    return _quotation(sentence, pause + 1 + sentence.is_bare_that(pause + 1), cue_token, source)


def _quotation(
    sentence: _Sentence, start: int, cue: _Token | None, source: Span | None, *, end: int | None = None
) -> Quotation | None:
    """Of the tokens from ``start`` to ``end``, else to the next attribution or the end of the sentence."""
    tokens = sentence.tokens
    if end is None:
        end = next((i for i in range(start + 1, len(tokens)) if sentence.breaks(i)), len(tokens))
    if start >= end:
        return None
    first, last = tokens[start].start, tokens[end - 1].end
    kind = QuotationType.INDIRECT
    if any(sentence.opens_speech(i) for i in range(start, end)):
        kind = QuotationType.MIXED
    closes = min(sentence.marked.get(first, 0), last)
    if closes and _trimmed(sentence.raw, closes, last) is None:
        kind, first = QuotationType.DIRECT, first + 1
        last = closes - (sentence.raw[closes - 1] in _CLOSING)
    content = _trimmed(sentence.raw, first, last)
    if content is None:
        return None
    return Quotation(kind, (content,), cue=Span(cue.start, cue.end) if cue else None, source=source)


def _noun_phrase(sentence: _Sentence, start: int, end: int, *, glued: bool = False) -> Span | None:
    """The words at ``start`` that may name somebody; ``glued``: the cue's ل may be written with the first."""
    tokens = sentence.tokens
    while start < end and (tokens[start].word in _PAUSE or _ADVERB.fullmatch(tokens[start].word)):
        start += 1
    stop = start
    while stop < end and not _ends_phrase(sentence, stop, first=stop == start, glued=glued):
        stop += 1
    if stop == start:
        return None
    word = tokens[start].word
    cut = glued and word.startswith("ل") and not word.startswith("لل")
    return _trimmed(sentence.raw, tokens[start].start + cut, tokens[stop - 1].end)


def _ends_phrase(sentence: _Sentence, i: int, *, first: bool, glued: bool) -> bool:
    token = sentence.tokens[i]
    if not (token.is_word or token.quoted or token.start in sentence.marked):
        return True
    if first:
        return not glued and bool(_NOT_SUBJECT.fullmatch(token.word))
    return bool(_NOT_SUBJECT.fullmatch(token.word) or _ADVERB.fullmatch(token.word) or token.verbs)


def _subject_before(sentence: _Sentence, cue: int) -> Span | None:
    """The words between the start of the clause and its verb."""
    tokens, start = sentence.tokens, cue
    while start and tokens[start - 1].is_word and not _CLAUSE_START.fullmatch(tokens[start - 1].word):
        start -= 1
    return _noun_phrase(sentence, start, cue) if cue - start <= 8 else None


def _trimmed(raw: str, start: int, end: int) -> Span | None:
    """Without punctuation and white space at the edges; None where no word is left."""
    while start < end and (raw[start].isspace() or raw[start] in _EDGE):
        start += 1
    while start < end and (raw[end - 1].isspace() or raw[end - 1] in _EDGE):
        end -= 1
    return Span(start, end) if any(char.isalnum() for char in raw[start:end]) else None


def _attributed(raw: str, quotation: Quotation, before: Sequence[Quotation]) -> Quotation:
    """With its speaker: the first one so far whose name holds all words of the source, or the last one."""
    known = [earlier.speaker for earlier in before if earlier.speaker]
    if quotation.source is None:
        return replace(quotation, speaker=known[-1] if known else None)
    name = " ".join(quotation.source.of(raw).split())
    words = set(name.split())
    same = next((speaker for speaker in known if words <= set(speaker.name.split())), None)
    return replace(quotation, speaker=same or Speaker(name, _kind(name), (name,)))


def _kind(name: str) -> SpeakerKind:
    first = _folded(name.split()[0])
    return next((kind for kind, words in _KINDS.items() if words.fullmatch(first)), SpeakerKind.PERSON)
