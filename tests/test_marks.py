"""The type of a quotation, as its marks tell it."""

from __future__ import annotations

import pytest

from extractor.marks import quotation_type, with_closing_mark
from extractor.passages import split
from extractor.quotation import QuotationType, Span

DIRECT, MIXED, INDIRECT = QuotationType.DIRECT, QuotationType.MIXED, QuotationType.INDIRECT


def read(marked: str) -> tuple[str, list[Span]]:
    """``[…]`` stands around each part of the content."""
    raw, spans, start = "", [], 0
    for char in marked:
        if char == "[":
            start = len(raw)
        elif char == "]":
            spans.append(Span(start, len(raw)))
        else:
            raw += char
    return raw, spans


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        # Every pair of marks that newsrooms use, among them the pairs that are turned around.
        ("قال: «[سنواصل الدعم]»", DIRECT),
        ('قال: "[سنواصل الدعم]"', DIRECT),
        ("قال: “[سنواصل الدعم]”", DIRECT),
        ("قال: ”[سنواصل الدعم]“", DIRECT),
        ("قال: ”[سنواصل الدعم]”", DIRECT),
        ("قال: „[سنواصل الدعم]“", DIRECT),
        ("قال: ‹[سنواصل الدعم]›", DIRECT),
        ("قال: ＂[سنواصل الدعم]＂", DIRECT),
        # Space and bidi controls inside the marks.
        ("قال: « [سنواصل الدعم] »", DIRECT),
        ("قال: «\u200f[سنواصل الدعم]»", DIRECT),
        ("قال: «\u00a0[سنواصل الدعم]»", DIRECT),
        # Unbalanced: what the writer plainly meant.
        ("قال: «[سنواصل الدعم].", DIRECT),
        ('قال: "[سنواصل الدعم كله].', DIRECT),
        ("قال: «[سنواصل الدعم. ولن نتراجع]", DIRECT),
        # Without marks, or with marks around something else.
        ("قال إن [الدعم مستمر]", INDIRECT),
        ("قال [سنواصل الدعم]»", INDIRECT),
        ("صحيفة «النهار» قالت إن [الدعم مستمر]", INDIRECT),
        ("قالت صحيفة «النهار» [إن الدعم مستمر]", INDIRECT),
        ('قالت صحيفة "النهار" [إن الدعم مستمر]', INDIRECT),
        # A name or a scare quote of two words is no quoted speech; three words are.
        ("قال إن [تنظيم «داعش» انسحب من المدينة]", INDIRECT),
        ('قال إن [صفقة "القرن الجديد" لن تمر]', INDIRECT),
        ("قال إن [الدعم «سيستمر بلا شروط» حتى النهاية]", MIXED),
        ('قال إن [الدعم "سيستمر بلا شروط" حتى النهاية]', MIXED),
        ("قال إن [الدعم ”سيستمر بلا شروط“ حتى النهاية]", MIXED),
        ("قال «[سنواصل الدعم كله» حتى النهاية]", MIXED),
        ('قال إنه "[لن يرحل أبدا" عن مدينته]', MIXED),
        ("قال [إنه «لن يرحل أبدا]»", MIXED),
        # Nested marks belong to what stands inside.
        ("قال: «[كتاب «الأيام» عندي]»", DIRECT),
        ('قال: «[صفقة "القرن" ماتت]»', DIRECT),
        # Two parts, with the cue between them.
        ("«[نحن هنا]»، قالت هدى، «[ولن نرحل]»", DIRECT),
        ('"[نحن هنا]"، قالت هدى، "[ولن نرحل]"', DIRECT),
        ("«[نحن هنا مع أطفالنا]»، قالت هدى، [ولن نرحل]", MIXED),
        # At the very start of the text.
        ("[الإنتاج مستقر]، وفق الوزارة", INDIRECT),
        ("«[الإنتاج مستقر]»، وفق الوزارة", DIRECT),
    ],
)
def test_the_type_of_a_quotation(marked: str, expected: QuotationType) -> None:
    raw, content = read(marked)
    assert quotation_type(raw, content) is expected


@pytest.mark.parametrize(
    ("marked", "taken_in"),
    [
        ('صحيفة "النهار" قالت', True),
        ("صحيفة «النهار» قالت", True),
        ("صحيفة النهار» قالت", False),
        ("صحيفة «النهار قالت", False),
    ],
)
def test_a_closing_mark_comes_in_where_the_words_opened_one(marked: str, taken_in: bool) -> None:
    words = split(marked)
    end = words.index("النهار") + 1
    assert with_closing_mark(words, 0, end) == (0, end + taken_in)
