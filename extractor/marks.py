"""Quotation marks: what stands inside them, and the type of a quotation that follows from it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from extractor.quotation import QuotationType, Span

OPENING = frozenset("«“„‟‹")
CLOSING = frozenset("»”›")
STRAIGHT = frozenset('"＂')
ANY = OPENING | CLOSING | STRAIGHT

_SPEECH_WORDS = 3  # fewer words inside marks are a name or a scare quote
_MARKED = re.compile(r"[«“„‟‹\"＂”]([^«»“”„‟‹›\"＂]+)(?:[»”›\"＂“]|$)")
_SKIPPED = " \t\u00a0\u200e\u200f\u202a-\u202e\u2066-\u2069"


def quotation_type(raw: str, content: Sequence[Span]) -> QuotationType:
    """Direct where every part stands inside marks, mixed where three words or more of it do, else indirect."""
    opened = [_opens_before(raw, span) for span in content]
    if all(opened) and not any(_closes_early(raw, span) for span in content):
        return QuotationType.DIRECT
    for before, span in zip(opened, content, strict=True):
        inner = (raw[span.start - 1] if before else "") + span.of(raw)
        if before and not inner.startswith(tuple(ANY)):
            inner = '"' + span.of(raw)
        if any(len(match.group(1).split()) >= _SPEECH_WORDS for match in _MARKED.finditer(inner)):
            return QuotationType.MIXED
    return QuotationType.INDIRECT


def _opens_before(raw: str, span: Span) -> bool:
    before = raw[max(0, span.start - 20) : span.start].rstrip(_SKIPPED)
    if not before or before[-1] not in ANY:
        return False
    # A mark right after a letter and before a space closes what came before: الصحيفة "س" أن…
    return not (raw[span.start - 1] in _SKIPPED and before[-2:-1].isalnum())


def _closes_early(raw: str, span: Span) -> bool:
    """Whether the mark before the content is closed inside it, with words of the content left after that."""
    depth = 1
    text = span.of(raw)
    for i, char in enumerate(text):
        if char in OPENING:
            depth += 1
        elif char in CLOSING:
            depth -= 1
        elif char in STRAIGHT:
            straight = text.count(char)
            return straight % 2 == 1 and bool(re.search(r"\w", text[i + 1 :]))
        if depth == 0:
            return bool(re.search(r"\w", text[i + 1 :]))
    return False


def with_closing_mark(texts: Sequence[str], first: int, end: int) -> tuple[int, int]:
    """The range of words with the closing mark that stands right after it, where it opened one."""
    marks = [text for text in texts[first:end] if text in ANY]
    opened = len(marks) % 2 == 1 and marks[-1] not in CLOSING
    follows = end < len(texts) and texts[end] in ANY and texts[end] not in OPENING
    return (first, end + 1) if opened and follows else (first, end)
