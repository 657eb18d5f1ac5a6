"""A reviewer's result taken apart: regions, what is said of them and how they are joined; what does not fit is told.

Label Studio validates nothing, neither what is imported nor what its page or its API hands in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from extractor.quotation import Role, Span
from review.tasks import LABELS, Sent, one_line

_ROLES = {label: role for role, label in LABELS.items()}


class Fault(StrEnum):
    """Why something that came back is not taken, or in doubt."""

    MALFORMED = "malformed"
    OUT_OF_BOUNDS = "out of bounds"
    BLANK = "blank"
    UNKNOWN_LABEL = "unknown label"
    DUPLICATE_ID = "duplicate id"
    DANGLING_RELATION = "dangling relation"
    WRONG_PAIR = "wrong pair"
    TWO_CUES = "two cues"
    TWO_SOURCES = "two sources"
    OVERLAP = "overlapping parts"
    UNKNOWN_CHOICE = "unknown choice"
    NO_CONTENT = "without content"
    CUTS_WORD = "cuts a word"
    CONTRADICTION = "contradiction"
    TEXT_CHANGED = "text changed"


DOUBTS = frozenset((Fault.CUTS_WORD,))
"""Flagged only: what they are about is taken all the same."""


@dataclass(frozen=True, slots=True)
class Problem:
    """``region``: Label Studio's id of it, empty where it is about the whole article."""

    fault: Fault
    detail: str
    region: str = ""

    @property
    def quarantined(self) -> bool:
        return self.fault not in DOUBTS


@dataclass(slots=True)
class Region:
    id: str
    role: Role
    span: Span
    said: dict[str, str] = field(default_factory=dict)


class Parts:
    """A result sorted into regions, what is said of them, and relations; problems with what fits nowhere."""

    def __init__(self, raw: str, sent: Sent) -> None:
        self._raw, self._sent = raw, sent
        self.regions: dict[str, Region] = {}
        self.article: dict[str, str] = {}
        self.cues: dict[str, str] = {}
        self.sources: dict[str, str] = {}
        self.further: dict[str, str] = {}
        self.problems: list[Problem] = []
        self._said: list[tuple[str, str, str]] = []
        self._relations: list[tuple[str, str]] = []
        self.bad: set[str] = set()

    def take(self, item: object) -> None:
        try:
            self._take(item)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            region = str(item.get("id", "")) if isinstance(item, dict) else ""
            self.refuse(region, Fault.MALFORMED, f"{type(error).__name__}: {error}"[:200])

    def _take(self, item: Any) -> None:
        kind = item["type"]
        if kind == "relation":
            self._relations.append((str(item["from_id"]), str(item["to_id"])))
        elif kind == "labels":
            self._take_region(str(item["id"]), item["value"])
        elif kind in ("choices", "textarea"):
            said = item["value"]["choices" if kind == "choices" else "text"]
            words = said if isinstance(said, str) else said[-1] if said else ""
            if item["from_name"] in ("status", "note"):
                self.article[item["from_name"]] = one_line(words)
            else:
                self._said.append((str(item["id"]), item["from_name"], one_line(words)))
        else:
            raise ValueError(f"a region of type {kind}")

    def _take_region(self, key: str, value: Mapping[str, Any]) -> None:
        start, end, labels = value["start"], value["end"], value["labels"]
        if not (type(start) is int and type(end) is int):
            raise TypeError(f"offsets {start!r}, {end!r}")
        if not 0 <= start < end <= len(self._raw):
            self.refuse(key, Fault.OUT_OF_BOUNDS, f"[{start}, {end}) in a text of {len(self._raw)}")
        elif len(labels) != 1 or labels[0] not in _ROLES:
            self.refuse(key, Fault.UNKNOWN_LABEL, f"{labels!r} at [{start}, {end})")
        elif key in self.regions:
            self.refuse("", Fault.DUPLICATE_ID, f"{key} again at [{start}, {end})")
        elif span := self._trimmed(key, Span(start, end)):
            self.regions[key] = Region(key, _ROLES[labels[0]], span)
        else:
            self.refuse(key, Fault.BLANK, f"only spaces at [{start}, {end})")

    def _trimmed(self, key: str, span: Span) -> Span | None:
        """Without the spaces at its edges that a hand takes along; what was sent stays as it was sent."""
        known = self._sent.regions.get(key)
        if known and known.span == span:
            return span
        words = span.of(self._raw)
        return Span(span.end - len(words.lstrip()), span.start + len(words.rstrip())) if words.strip() else None

    def join(self) -> None:
        """Joins what was taken, when all of it is known: a relation may come before its regions."""
        for key, name, words in self._said:
            if key in self.regions:
                self.regions[key].said[name] = words
            elif key not in self.bad:
                self.refuse(key, Fault.DANGLING_RELATION, f"{name} of a region that is not there")
        for one, other in self._relations:
            self._relate(one, other)

    def _relate(self, one: str, other: str) -> None:
        missing = [key for key in (one, other) if key not in self.regions]
        if missing:
            self.refuse(one, Fault.DANGLING_RELATION, f"to {', '.join(missing)}, which is not there or not taken")
            return
        if self.regions[one].role is not Role.CONTENT:  # drawn from the cue or source: the same
            one, other = other, one
        content, region = self.regions[one], self.regions[other]
        if content.role is not Role.CONTENT or one == other:
            self.refuse(one, Fault.WRONG_PAIR, f"{content.role.value} to {region.role.value}")
        elif region.role is Role.CONTENT:
            self._continue(content, region)
        else:
            self._attach(content, region)

    def _attach(self, content: Region, region: Region) -> None:
        place = self.cues if region.role is Role.CUE else self.sources
        fault = Fault.TWO_CUES if region.role is Role.CUE else Fault.TWO_SOURCES
        if place.setdefault(content.id, region.id) != region.id:
            self.refuse(content.id, fault, f"also at [{region.span.start}, {region.span.end})")

    def _continue(self, content: Region, part: Region) -> None:
        if self.main(content.id) == self.main(part.id):
            self.refuse(content.id, Fault.WRONG_PAIR, "parts that are joined in a circle")
        else:
            self.further[self.main(part.id)] = self.main(content.id)

    def main(self, key: str) -> str:
        """The content that a further part belongs to."""
        while key in self.further:
            key = self.further[key]
        return key

    def used(self, key: str) -> bool:
        """Whether it is a content, or one that a content points to."""
        return self.regions[key].role is Role.CONTENT or key in self.cues.values() or key in self.sources.values()

    def came(self, key: str) -> bool:
        """Whether the region is there, taken or not."""
        return key in self.regions or key in self.bad

    def role(self, key: str, sent: Sent) -> Role:
        return self.regions[key].role if key in self.regions else sent.regions[key].role

    def refuse(self, region: str, fault: Fault, detail: str) -> None:
        if fault in (Fault.OUT_OF_BOUNDS, Fault.BLANK, Fault.UNKNOWN_LABEL, Fault.MALFORMED):
            self.bad.add(region)
        self.problems.append(Problem(fault, detail, region))


def place_of(span: Span) -> str:
    return f"[{span.start}, {span.end})"
