"""Reviewed annotations as training examples, and gold kept apart from them, before anything is frozen."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from extractor.annotation import Annotation
from extractor.document import Document, outlet_of
from extractor.gold import GoldArticle, read_gold
from models.datasets import Dataset, Label, annotation_sha256
from models.reviews import Reviewed, Reviews
from models.tables import Purpose
from review.export import prevailing
from review.leakage import leaks
from review.near_duplicates import nearest

ENOUGH_GOLD = 150
"""Blind articles from which on they are all the gold; until then the gold that ships with the program is read too."""


class LeakError(Exception):
    """Gold would be trained on: a bug, for `Accepted` leaves it out."""


@dataclass(frozen=True)
class Accepted:
    """What may train, and what measures. ``left_out``: reviewed articles that are gold, or copies of some."""

    labels: tuple[Reviewed, ...]
    replay: tuple[GoldArticle, ...]
    gold: tuple[GoldArticle, ...]
    left_out: int

    def dataset(self, replay: Path) -> Dataset:
        """Raises LeakError where an article of the gold, or a near-duplicate, is in it."""
        check_apart(self.gold, [reviewed.annotation.document for reviewed in self.labels])
        labels = sorted(map(_label, self.labels), key=lambda label: label.article)
        return Dataset(tuple(labels), hash_of(replay))


def accepted(reviews: Reviews, seed_gold: Path, replay: Path, adjudicators: Collection[str] = ()) -> Accepted:
    """One reading an article: the adjudicator's, else the last.

    Raises OSError or ValueError where a file cannot be read.
    """
    readings = prevailing(list(reviews.readings()), adjudicators)
    gold = gold_articles(readings, seed_gold)
    # A blind article trains nothing, even before somebody has read it; nor does the gold that is not needed any more.
    forbidden = [*reviews.blind_articles(), *(article.document for article in (*gold, *read_gold(seed_gold)))]
    trains = _one_each(reading for reading in readings if reading.purpose is Purpose.REVIEW)
    examples = list(read_gold(replay))
    may_train = apart([*(r.annotation.document for r in trains), *(e.document for e in examples)], forbidden)
    labels = tuple(reading for reading in trains if reading.annotation.document.sha256 in may_train)
    kept = tuple(example for example in examples if example.document.sha256 in may_train)
    return Accepted(labels, kept, tuple(gold), len(trains) - len(labels))


def hash_of(replay: Path) -> dict[str, str]:
    """By the file's name, as a manifest has it."""
    return {replay.name: hashlib.sha256(replay.read_bytes()).hexdigest()}


def gold_articles(readings: Iterable[Reviewed], seed_gold: Path) -> list[GoldArticle]:
    """Blind readings, one an article, and while they are fewer than `ENOUGH_GOLD` the gold in ``seed_gold`` too."""
    blind = _one_each(reading for reading in readings if reading.purpose is Purpose.BLIND)
    gold = [as_gold(reading.annotation) for reading in blind]
    if len(gold) < ENOUGH_GOLD:
        known = {article.document.sha256 for article in gold}
        gold += [article for article in read_gold(seed_gold) if article.document.sha256 not in known]
    return gold


def as_gold(annotation: Annotation) -> GoldArticle:
    """For training or evaluation; its outlet is the folder that it was read from."""
    return GoldArticle(annotation.document, outlet_of(annotation.document.path), annotation.quotations)


def check_apart(gold: Sequence[GoldArticle], training: Sequence[Document]) -> None:
    """Raises LeakError where an article of the gold, or a near-duplicate, is among those that train."""
    if found := leaks([article.document for article in gold], training):
        raise LeakError(f"{len(found)} gold articles would be trained on, the first: {found[0]}")


def apart(documents: Sequence[Document], others: Sequence[Document]) -> set[str]:
    """The hashes of those that are neither among the others nor near-duplicates of one."""
    equal = {document.sha256 for document in others}
    copies = nearest([document.raw for document in documents], [document.raw for document in others])
    pairs = zip(documents, copies, strict=True)
    return {document.sha256 for document, copy in pairs if copy is None and document.sha256 not in equal}


def _one_each(readings: Iterable[Reviewed]) -> list[Reviewed]:
    """The last of each article."""
    return list({reading.annotation.document.sha256: reading for reading in readings}.values())


def _label(reviewed: Reviewed) -> Label:
    return Label(
        article=reviewed.annotation.document.sha256,
        annotation=reviewed.annotation_id,
        annotation_sha256=annotation_sha256(reviewed.annotation),
        interface_sha256=reviewed.interface_sha256,
        reviewer=reviewed.reviewer,
        reviewed_at=reviewed.reviewed_at.isoformat(),
        corrects=reviewed.shown_id,
    )
