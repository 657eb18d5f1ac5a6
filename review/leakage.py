"""Gold that training has seen: articles that are the same, and copies of one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from rich.table import Table

from extractor.document import Document
from review.near_duplicates import THRESHOLD, nearest


class Reason(StrEnum):
    EQUAL = "equal"
    NEAR_DUPLICATE = "near-duplicate"


@dataclass(frozen=True, slots=True)
class Leak:
    """A gold article and the training article that gives it away; ``share``: of the smaller one's words, in both."""

    gold: Document
    training: Document
    reason: Reason
    share: float

    def __str__(self) -> str:
        if self.reason is Reason.EQUAL:
            return f"{self.gold.id} is {self.training.id}, letter for letter"
        return f"{self.gold.id} is a near-duplicate of {self.training.id}: {self.share:.0%} of the smaller is in both"


def leaks(gold: Sequence[Document], training: Sequence[Document], threshold: float = THRESHOLD) -> list[Leak]:
    """One for each gold article that has a counterpart in training, the nearest, in the order of gold."""
    equal = {document.sha256: document for document in reversed(training)}
    rest = [document for document in gold if document.sha256 not in equal]
    near = dict(
        zip(
            (document.sha256 for document in rest),
            nearest([document.raw for document in rest], [document.raw for document in training], threshold),
            strict=True,
        )
    )
    found = []
    for document in gold:
        if same := equal.get(document.sha256):
            found.append(Leak(document, same, Reason.EQUAL, 1.0))
        elif copy := near[document.sha256]:
            found.append(Leak(document, training[copy.position], Reason.NEAR_DUPLICATE, copy.share))
    return found


def table(found: Sequence[Leak]) -> Table:
    view = Table("gold", "training", "reason", title="Gold that training has seen")
    view.add_column("in common", justify="right")
    for leak in found:
        view.add_row(leak.gold.id, leak.training.id, leak.reason.value, f"{leak.share:.0%}")
    return view
