"""Cleaning text for the encoder and the rules, with the way back to raw offsets; folding names to compare."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from extractor.quotation import Span

_TATWEEL = "\u0640"
# Joined by hamza or madda written as a mark of their own, as in text from macOS; with the shapes they take.
_CARRIERS = "اويىیﺍﺎﻭﻮﻯﻰﻱﻲﻳﻴﯼﯽﯾﯿ"
_NEWLINES = "\r\x0b\x0c\x85\u2028\u2029"
_SPACES = "\t\xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
_INVISIBLE = (
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f"
)
# Harakat, Quranic marks, variation selectors.
_MARKS = (
    "\u034f\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u0898-\u089f\u08ca-\u08e1\u08e3-\u08ff"
    "\ufe00-\ufe0f\U000e0100-\U000e01ef"
)
_LETTERS = str.maketrans(
    "یکڪٱھہ٪٫٬٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹",
    "يككاهه%.,01234567890123456789",
)
_PRESENTATION_FORMS = "\ufb50-\ufdff\ufe70-\ufefc"
_SURROGATES = "\ud800-\udfff"
_FOLDED = str.maketrans("أإآٲٳؤئىة", "اااااوييه")

_MARK_HAMZA = re.compile(f"([{_CARRIERS}])(?=[{_MARKS}{_INVISIBLE}{_TATWEEL}]*?([\u0653-\u0655]))")


@dataclass(frozen=True, slots=True)
class CleanText:
    """``text`` is ``raw`` without what the encoder should not see; ``raw[offsets[i]]`` became ``text[i]``.

    ``offsets``: (len(text),) int32, never falling; the letters of an opened ligature share its place.
    """

    raw: str
    text: str
    offsets: NDArray[np.int32] = field(repr=False, compare=False)

    def raw_span(self, start: int, end: int) -> Span:
        """Where ``text[start:end]`` stands in raw.

        White space at its edges stays out; marks and tatweel that belong to its last letter come in, and so
        does the whole of a ligature. Raises ValueError where it is outside the text or only white space.
        """
        if not 0 <= start < end <= len(self.text):
            raise ValueError(f"not a span of {len(self.text)} characters: [{start}, {end})")
        covered = self.text[start:end]
        words = covered.strip()
        if not words:
            raise ValueError(f"only white space in [{start}, {end})")
        first = start + covered.index(words)
        last = first + len(words) - 1
        return Span(
            _cluster_start(self.raw, int(self.offsets[first])),
            _cluster_end(self.raw, int(self.offsets[last])),
        )

    def clean_span(self, raw: Span) -> Span | None:
        """Where a span of raw stands in ``text``; None where nothing of it is left."""
        start, end = (int(place) for place in np.searchsorted(self.offsets, (raw.start, raw.end)))
        return Span(start, end) if start < end else None


def clean(raw: str) -> CleanText:
    """One kind of newline, space, digit, ye and kaf; no marks, tatweel, controls or presentation forms.

    Hamza, alef maqsura and ta marbuta stay as they are written. A lone surrogate becomes U+FFFD, so that
    every clean text can be encoded.
    """
    even = raw.replace("\r\n", "\0\n")  # as long as raw: the table drops the NUL
    if any(mark in raw for mark in "\u0653\u0654\u0655"):
        even = _MARK_HAMZA.sub(_composed, even)
    text = even.translate(_table())
    offsets: NDArray[np.int32] = np.arange(len(raw), dtype=np.int32)
    if text != raw:
        codes = np.frombuffer(even.encode("utf-32-le", "surrogatepass"), dtype="<u4")
        offsets = np.repeat(offsets, _lengths()[codes])
    return CleanText(raw, text, offsets)


def fold(text: str) -> str:
    """A form in which two spellings of one name are equal; not for showing.

    Cleaned, hamza carriers bare, ى as ي, ة as ه, lower case, single spaces.
    """
    return " ".join(clean(text).text.translate(_FOLDED).lower().split())


def _composed(match: re.Match[str]) -> str:
    letter, mark = match.groups()
    composed = unicodedata.normalize("NFC", letter.translate(_table()).replace("ى", "ي") + mark)
    return composed if len(composed) == 1 else letter


def _cluster_start(raw: str, start: int) -> int:
    """The letter that the mark at ``start`` belongs to; ``start`` itself where there is no such letter."""
    place = start
    while place > 0 and (_is_mark(raw[place]) or _is_invisible(raw[place])):
        place -= 1
    return start if raw[place].isspace() or _is_invisible(raw[place]) else place


def _cluster_end(raw: str, last: int) -> int:
    """After the last mark that belongs to the letter at ``last``; invisible characters may stand between."""
    end = place = last + 1
    takes_tatweel = raw[last].isalpha()
    while place < len(raw):
        if _is_mark(raw[place]) or (takes_tatweel and raw[place] == _TATWEEL):
            end = place + 1
        elif not _is_invisible(raw[place]):
            break
        place += 1
    return end


def _is_mark(char: str) -> bool:
    """Also the marks that clean leaves, such as a Latin acute written apart."""
    if char == _TATWEEL:
        return False
    category = unicodedata.category(char)
    return category.startswith("M") or (not category.startswith("C") and _table().get(ord(char)) == "")


def _is_invisible(char: str) -> bool:
    return unicodedata.category(char).startswith("C") and _table().get(ord(char)) == ""


@cache
def _table() -> dict[int, str]:
    """What each code point that clean changes becomes."""
    table = {code: chr(letter) for code, letter in _LETTERS.items()}
    table |= dict.fromkeys(_codes(_NEWLINES), "\n")
    table |= dict.fromkeys(_codes(_SPACES), " ")
    table |= dict.fromkeys(_codes(_INVISIBLE + _MARKS + _TATWEEL), "")
    table |= dict.fromkeys(_codes(_SURROGATES), "\ufffd")
    for code in _codes(_PRESENTATION_FORMS):
        letters = unicodedata.normalize("NFKC", chr(code)).translate(table).strip(" ")
        if letters != chr(code):
            table[code] = letters
    return table


@cache
def _lengths() -> NDArray[np.uint8]:
    """(0x110000,): how many characters a code point becomes."""
    lengths = np.ones(0x110000, dtype=np.uint8)
    for code, letters in _table().items():
        lengths[code] = len(letters)
    return lengths


def _codes(ranges: str) -> Iterator[int]:
    """The code points of a character class as regular expressions write it: ``a-z0-9_``."""
    for first, last in re.findall("(?s)(.)(?:-(.))?", ranges):
        yield from range(ord(first), ord(last or first) + 1)
