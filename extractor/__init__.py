"""Who said what, in Arabic news.

>>> from extractor import Extractor
>>> for quotation in Extractor.load().quotations(text):
...     print(quotation.speaker, quotation.content)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor.document import Document
from extractor.quotation import Quotation, QuotationType, Role, Span, Speaker, SpeakerKind

if TYPE_CHECKING:
    from extractor.pipeline import Extractor

__all__ = [
    "Document",
    "Extractor",
    "Quotation",
    "QuotationType",
    "Role",
    "Span",
    "Speaker",
    "SpeakerKind",
]


def __getattr__(name: str) -> object:
    """Extractor needs torch, which takes seconds to import: it is loaded when first asked for (PEP 562)."""
    if name == "Extractor":
        from extractor.pipeline import Extractor

        return Extractor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
