"""Documents: what was read, as it was read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Document:
    """One article as read: ``raw`` is the text after decoding and before any cleaning; every offset points into it."""

    id: str
    raw: str
    path: str | None = None
    title: str | None = None

    @property
    def sha256(self) -> str:
        """Of the raw text in UTF-8; lone surrogates, which some files hold, count as themselves."""
        return hashlib.sha256(self.raw.encode("utf-8", "surrogatepass")).hexdigest()
