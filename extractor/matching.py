"""Which predicted quotation answers which gold one, and how well.

All scores count these pairs, and error analysis reads them. A set of letters is an integer whose bit ``i``
stands for ``raw[i]``, so that overlap is ``&`` and size is ``bit_count()``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from extractor.gold import GoldArticle
from extractor.quotation import Quotation, Span, Speaker

FOUND_AT = 0.5

_DIACRITICS = re.compile("[\u064b-\u065f\u0670\u0640]")
_WORD = re.compile(r"[^\W_]+")
_ONE_SPELLING = str.maketrans(
    {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ئ": "ي", "ؤ": "و", "ة": "ه"}
)
# In one spelling. Shared by many speakers of an article: alone they identify nobody.
_TITLES = frozenset(
    {
        "وزير",
        "الوزير",
        "المتحدث",
        "الناطق",
        "السفير",
        "السيد",
        "الدكتور",
        "مدير",
        "المدير",
        "الامين",
        "العام",
        "العامه",
    }
    | {"بيان", "البيان", "مصدر", "المصدر", "تقرير", "التقرير", "دراسه", "الدراسه"}
    | {"باسم", "في", "من", "ان", "عن", "و"}
)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well one role of a pair agrees, from 0 to 1.

    ``overlap`` is the Jaccard index of its letters. ``covered`` is the share of the gold words that were predicted,
    ``wanted`` that of the predicted words that are gold.
    """

    overlap: float = 0.0
    covered: float = 0.0
    wanted: float = 0.0

    @property
    def exact(self) -> bool:
        """Equal but for marks, punctuation and white space."""
        return self.overlap == 1.0


@dataclass(frozen=True, slots=True)
class Pair:
    """A gold quotation and the prediction whose content overlaps it most; None is a partner that is missing.

    A pair whose contents overlap by less than FOUND_AT is a near miss, which earns words only.
    """

    gold: Quotation | None
    predicted: Quotation | None
    content: Agreement = Agreement()
    cue: Agreement = Agreement()
    source: Agreement = Agreement()
    right_speaker: bool = False

    @property
    def overlap(self) -> float:
        """That of the contents."""
        return self.content.overlap

    @property
    def found(self) -> bool:
        return self.overlap >= FOUND_AT

    @property
    def exact(self) -> bool:
        """The contents are equal but for marks, punctuation and white space."""
        return self.content.exact

    @property
    def right(self) -> bool:
        """Who said what: found, with the right speaker."""
        return self.found and self.right_speaker

    @property
    def right_type(self) -> bool:
        return bool(self.found and self.gold and self.predicted and self.gold.type == self.predicted.type)


def match(article: GoldArticle, predicted: Sequence[Quotation]) -> list[Pair]:
    """Pairs one to one, greedily by overlap: gold in the order of the text, then the predictions left over.

    Second copies of repeated paragraphs neither count nor cost: they are left out, with predictions there.
    """
    raw = article.document.raw
    letters = _letters(raw)
    copies = [_within(letters, article.quotations[i].content) for i in article.repeated]
    copies += [_within(letters, place) for quotation in article.quotations for place in quotation.repeats]
    gold = [quotation for i, quotation in enumerate(article.quotations) if i not in article.repeated]
    predicted = [
        quotation
        for quotation in predicted
        if all(_jaccard(_within(letters, quotation.content), copy) < FOUND_AT for copy in copies)
    ]
    partner = _partners(
        [_within(letters, quotation.content) for quotation in gold],
        [_within(letters, quotation.content) for quotation in predicted],
    )
    pairs = [
        _pair(letters, quotation, predicted[partner[i]]) if i in partner else Pair(quotation, None)
        for i, quotation in enumerate(gold)
    ]
    taken = set(partner.values())
    return pairs + [Pair(None, quotation) for i, quotation in enumerate(predicted) if i not in taken]


def _partners(gold: list[int], predicted: list[int]) -> dict[int, int]:
    """Positions in gold to positions in predicted; among equal overlaps the later ones come first."""
    overlaps = sorted(
        ((_jaccard(a, b), i, j) for i, a in enumerate(gold) for j, b in enumerate(predicted) if a & b),
        reverse=True,
    )
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for _, i, j in overlaps:
        if i not in partner and j not in taken:
            partner[i] = j
            taken.add(j)
    return partner


def _pair(letters: int, gold: Quotation, predicted: Quotation) -> Pair:
    return Pair(
        gold,
        predicted,
        content=_agreement(letters, gold.content, predicted.content),
        cue=_agreement(letters, _given(gold.cue), _given(predicted.cue)),
        source=_agreement(letters, _given(gold.source), _given(predicted.source)),
        right_speaker=same_speaker(predicted.speaker, gold.speaker),
    )


def _agreement(letters: int, gold: Iterable[Span], predicted: Iterable[Span]) -> Agreement:
    ours, theirs = _within(letters, gold), _within(letters, predicted)
    # A word belongs to a span by its last letter: spans cut words after a proclitic, never before a suffix.
    words = letters & ~(letters >> 1)
    common = (ours & theirs & words).bit_count()
    return Agreement(
        overlap=_jaccard(ours, theirs),
        covered=common / max(1, (ours & words).bit_count()),
        wanted=common / max(1, (theirs & words).bit_count()),
    )


def _given(span: Span | None) -> tuple[Span, ...]:
    return (span,) if span else ()


def _letters(raw: str) -> int:
    return int("".join(map(_bit, reversed(raw))) or "0", 2)


@cache
def _bit(char: str) -> str:
    return "0" if char.isspace() or unicodedata.category(char)[0] in "PS" else "1"


def _within(letters: int, spans: Iterable[Span]) -> int:
    inside = 0
    for span in spans:
        inside |= (1 << span.end) - (1 << span.start)
    return inside & letters


def _jaccard(a: int, b: int) -> float:
    union = (a | b).bit_count()
    return (a & b).bit_count() / union if union else 0.0


def same_speaker(predicted: Speaker | None, gold: Speaker | None) -> bool:
    """Whether the predicted name is one of the gold speaker's wordings, in any spelling.

    A shortened or lengthened wording counts where what both share is more than titles and particles.
    """
    name = predicted.name if predicted else ""
    if not name or gold is None:
        return not name and gold is None
    said = _folded(name)
    return any(_same_name(said, _folded(wording)) for wording in (gold.name, *gold.mentions))


def _same_name(a: list[str], b: list[str]) -> bool:
    if not a or not b:
        return False
    if a == b or _without_and(a) == b or a == _without_and(b):
        return True
    shared = set(a) & set(b)
    return len(shared) == min(len(set(a)), len(set(b))) and not shared <= _TITLES


def _without_and(words: list[str]) -> list[str]:
    return [words[0].removeprefix("و"), *words[1:]]


def _folded(name: str) -> list[str]:
    plain = _DIACRITICS.sub("", unicodedata.normalize("NFKC", name)).translate(_ONE_SPELLING)
    return _WORD.findall(plain)
