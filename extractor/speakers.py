"""Speakers of one article: which mentions name the same one, and the fullest name they give.

Conservative: two mentions join where their words agree (أوستن = لويد أوستن), or where a definite description points
back to the nearest mention that it can describe (الوزير → وزير الدفاع, البيان → بيان الوزارة).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from extractor.labels import Range
from extractor.marks import with_closing_mark
from extractor.passages import Words
from extractor.quotation import Span, Speaker, SpeakerKind
from extractor.text import fold

_ARTICLES = ("وال", "بال", "فال", "كال", "لل", "ال")
# With its diacritics or a tatweel, as in لـوزارة.
_PROCLITIC = re.compile(r"[وفلبﻭﻓﻟﺑ][\Wـ]*+(?=\w)")
_ALIKE = (
    frozenset((SpeakerKind.PERSON, SpeakerKind.ANONYMOUS)),
    frozenset((SpeakerKind.ORGANIZATION, SpeakerKind.GROUP)),
    frozenset((SpeakerKind.DOCUMENT,)),
)
_HEADS = frozenset(
    fold(
        "وزير وزارة وكالة رئيس رئاسة مجلة صحيفة قناة شبكة موقع تلفزيون إذاعة هيئة منظمة مصدر مصادر مسؤول متحدث مدير "
        "مكتب مجلس شركة بيان تقرير دراسة مركز معهد جامعة لجنة حكومة سلطات شرطة وسائل"
    ).split(" ")
)
_EMPTY = frozenset(map(fold, ("في", "من", "عن", "على", "إلى", "أن", "بن", "آل", "عبد", "أبو", "السيد", "الدكتور")))
_DOCUMENTS = frozenset(fold("بيان تقرير دراسة رسالة تغريدة منشور مقال كتاب وثيقة إحصاء بيانات أرقام").split(" "))


@dataclass(frozen=True, slots=True)
class Mention:
    """Words that name a speaker; ``name`` are the positions of the name proper, ``kind`` is a first opinion."""

    words: Range
    name: tuple[int, ...] = ()
    kind: SpeakerKind | None = None


@dataclass(slots=True)
class _Entity:
    mentions: list[Mention] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    names: list[frozenset[str]] = field(default_factory=list)


class Speakers:
    """Built from every mention of an article at once; ``of`` answers for each."""

    def __init__(self, raw: str, words: Words, mentions: Sequence[Mention]) -> None:
        self._raw, self._words = raw, words
        self._vocabulary = frozenset(map(fold, words.texts))
        entities: list[_Entity] = []
        self._entity: dict[Range, _Entity] = {}
        # Names first, in full: what only describes can then point back to them.
        for mention in sorted(mentions, key=lambda m: (not m.name, -len(m.name))):
            entity = self._same(entities, mention)
            if entity is None:
                entity = _Entity()
                entities.append(entity)
            entity.mentions.append(mention)
            entity.keys.add(self._key(mention.words))
            if name := self._name_words(mention):
                entity.names.append(name)
            self._entity[mention.words] = entity
        self._speaker = {id(entity): self._speaker_of(entity) for entity in entities}

    def of(self, mention: Range) -> Speaker:
        """Raises KeyError for a mention that was not given."""
        return self._speaker[id(self._entity[mention])]

    def _same(self, entities: Sequence[_Entity], mention: Mention) -> _Entity | None:
        key, name = self._key(mention.words), self._name_words(mention)
        for entity in entities:
            agree = name and any(_agree(name, other) for other in entity.names)
            if key in entity.keys or (agree and _compatible(mention, entity)):
                return entity
        return None if name else self._described(entities, mention)

    def _described(self, entities: Sequence[_Entity], mention: Mention) -> _Entity | None:
        """The entity whose mention before this one begins with the noun of a short definite description."""
        first, end = mention.words
        head = fold(self._words.texts[first])
        if not head.startswith("ال") or end - first > 2:
            return None
        noun, *others = head.removeprefix("ال"), *self._folded((first + 1, end))
        # الوزير الأمريكي is the one whose mention says so, be another minister nearer.
        fitting = [
            (len(shown.intersection(others)), earlier.words[0], i)
            for i, entity in enumerate(entities)
            for earlier in entity.mentions
            if earlier.words[1] <= first and noun in (shown := self._folded(earlier.words))
        ]
        return entities[max(fitting)[2]] if fitting else None

    def _folded(self, words: Range) -> frozenset[str]:
        return frozenset(map(fold, self._words.texts[slice(*words)]))

    def _key(self, words: Range) -> str:
        first, *others = [fold(text) for text in self._words.texts[slice(*words)] if text[0].isalnum()] or [""]
        return " ".join((self._bare(first), *others))

    def _name_words(self, mention: Mention) -> frozenset[str]:
        named = (self._bare(fold(self._words.texts[i])) for i in mention.name)
        return frozenset(word for word in named if len(word) > 1 and word not in _EMPTY)

    def _speaker_of(self, entity: _Entity) -> Speaker:
        fullest = max(entity.mentions, key=lambda m: (len(self._name_words(m)), m.words[1] - m.words[0], -m.words[0]))
        kinds = Counter(mention.kind for mention in entity.mentions if mention.kind)
        kind = kinds.most_common(1)[0][0] if kinds else self._guess(fullest.words)
        wordings = dict.fromkeys(self._text(m.words) for m in sorted(entity.mentions, key=lambda m: m.words))
        return Speaker(self._name(fullest), kind, tuple(wordings))

    def _name(self, mention: Mention) -> str:
        """The words of the name; the whole mention where none stand out, or they could not stand alone (في باريس)."""
        if not mention.name or fold(self._words.texts[mention.name[0]]) in _EMPTY:
            return self._text(mention.words)
        first = mention.words[0]
        # A name is taught by its words as they stand alone: the وزارة of لوزارة التجارة is none of them.
        begins_glued = mention.name[0] == first + 1 and self._is_glued(fold(self._words.texts[first]))
        return self._text((first if begins_glued else mention.name[0], mention.name[-1] + 1))

    def _text(self, words: Range) -> str:
        """As written, but for a proclitic that is glued to the first word."""
        span = self._words.span(*with_closing_mark(self._words.texts, *words))
        glued = self._is_glued(fold(self._words.texts[words[0]]))
        proclitic = _PROCLITIC.match(self._raw, span.start, span.end) if glued else None
        return Span(proclitic.end() if proclitic else span.start, span.end).of(self._raw)

    def _bare(self, word: str) -> str:
        """A folded word without its article and proclitics, where three letters or more are left."""
        for article in _ARTICLES:
            if word.startswith(article) and len(word) - len(article) >= 3:
                return word.removeprefix(article)
        return word[1:] if self._is_glued(word) else word

    def _is_glued(self, word: str) -> bool:
        """Whether a word begins with و ف ل ب and the text, or our list of heads, knows it without."""
        bare = word[1:]
        if word[:1] not in "وفلب" or len(bare) < 3 or word.startswith("لل"):
            return False
        return bare in _HEADS or (word not in _HEADS and bare in self._vocabulary)

    def _guess(self, words: Range) -> SpeakerKind:
        head = self._bare(fold(self._words.texts[words[0]]))
        return SpeakerKind.DOCUMENT if head in _DOCUMENTS else SpeakerKind.ORGANIZATION


def _compatible(mention: Mention, entity: _Entity) -> bool:
    """A person is nobody's organization, a report not the ministry's: وزير الطاقة is not اتحاد الطاقة."""
    kinds = {m.kind for m in (mention, *entity.mentions) if m.kind}
    return any(kinds <= alike for alike in _ALIKE)


def _agree(name: frozenset[str], other: frozenset[str]) -> bool:
    return name <= other or other <= name
