"""Where something came from, and what came of it: quotations, annotations, checkpoints, datasets, articles."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, Select, func, select

from extractor.errors import MendableError
from extractor.quotation import Role
from models.learning_tables import DatasetRow, PromotionRow, RetrainingRow
from models.tables import (
    AnnotationKind,
    AnnotationRow,
    ArticleRow,
    CheckpointRow,
    PushRow,
    QuotationRow,
    ReviewRow,
    SpanRow,
)

_LEAST_PREFIX = 6


class UnknownIdError(MendableError):
    """Nothing has that id."""


@dataclass(frozen=True, slots=True)
class Trace:
    """A thing with its facts; ``origins``: what it came from, ``results``: what came of it."""

    kind: str
    id: str
    facts: Mapping[str, Any]
    origins: tuple[Trace, ...] = field(default=())
    results: tuple[Trace, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "kind": self.kind,
            "id": self.id,
            **self.facts,
            "origins": [trace.as_dict() for trace in self.origins],
            "results": [trace.as_dict() for trace in self.results],
        }


def trace(engine: Engine, wanted: str) -> list[Trace]:
    """All that has the id: a quotation's, a checkpoint's name or fingerprint, a dataset's, an article's hash.

    Of long ids six characters are enough. Raises UnknownIdError.
    """
    with engine.connect() as connection:
        walk = _Walk(connection)
        found = [
            *(walk.quotation(key) for key in walk.ids(QuotationRow.id, QuotationRow.public_id, wanted)),
            *(walk.checkpoint(key) for key in walk.checkpoints(wanted)),
            *(walk.dataset(key) for key in walk.ids(DatasetRow.id, DatasetRow.id, wanted)),
            *(walk.article(key) for key in walk.ids(ArticleRow.id, ArticleRow.sha256, wanted)),
        ]
    if not found:
        raise UnknownIdError(
            f"nothing has the id {wanted}: give a quotation's id, a checkpoint's name, or the first "
            f"{_LEAST_PREFIX} or more characters of a dataset's id or an article's hash"
        )
    return found


class _Walk:
    """On one connection. Upwards it goes to the end: a checkpoint's parents, and the labels that each learned from."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ids(self, key: Any, column: Any, wanted: str) -> list[Any]:
        if len(wanted) < _LEAST_PREFIX:
            return []
        return list(
            self._connection.scalars(select(key).where(column.startswith(wanted, autoescape=True)).order_by(key))
        )

    def checkpoints(self, wanted: str) -> list[int]:
        query = select(CheckpointRow.id).where(CheckpointRow.name == wanted)
        named = list(self._connection.scalars(query))
        return named or self.ids(CheckpointRow.id, CheckpointRow.fingerprint, wanted)

    def quotation(self, key: int) -> Trace:
        query = select(
            QuotationRow.public_id, QuotationRow.type, QuotationRow.confidence, QuotationRow.annotation_id
        ).where(QuotationRow.id == key)
        row = self._connection.execute(query).one()
        words = select(SpanRow.text).where(SpanRow.quotation_id == key, SpanRow.role == Role.CONTENT)
        content = self._connection.scalars(words.where(SpanRow.repeat == 0).order_by(SpanRow.part)).all()
        facts = {"type": row.type.value, "confidence": round(row.confidence, 4), "content": list(content)}
        annotation = row.annotation_id
        return Trace("quotation", row.public_id, facts, (self.annotation(annotation),), self._reviews_of(annotation))

    def annotation(self, key: int) -> Trace:
        """With what read it: a checkpoint and all that it learned from, or a reviewer."""
        row = self._annotation(key)
        if row.kind is AnnotationKind.PREDICTED:
            return Trace("prediction", str(key), self._about(row), (self.checkpoint(row.checkpoint_id, down=False),))
        return self.label(key)

    def label(self, key: int) -> Trace:
        """A reading of a reviewer, with the prediction that it corrects."""
        row = self._annotation(key)
        query = (
            select(ReviewRow.reviewer, ReviewRow.reviewed_at, ReviewRow.verdict, PushRow.annotation_id)
            .join(PushRow, PushRow.id == ReviewRow.push_id)
            .where(ReviewRow.annotation_id == key)
        )
        review = self._connection.execute(query).one_or_none()
        if review is None:
            return Trace("label", str(key), self._about(row))
        facts = self._about(row) | {
            "reviewer": review.reviewer,
            "reviewed_at": review.reviewed_at.isoformat(),
            "verdict": review.verdict.value,
        }
        corrected = () if review.annotation_id is None else (self._prediction(review.annotation_id),)
        return Trace("label", str(key), facts, corrected)

    def checkpoint(self, key: int, *, up: bool = True, down: bool = True) -> Trace:
        row = self._connection.execute(select(CheckpointRow.__table__).where(CheckpointRow.id == key)).one()
        made = self._one(select(RetrainingRow.__table__).where(RetrainingRow.candidate_id == key))
        facts: dict[str, Any] = {"fingerprint": row.fingerprint, "path": row.path}
        origins: list[Trace] = []
        if made is not None:
            facts |= {"state": made.state.value, "verdict": made.verdict, "seed": made.seed, "scores": made.scores}
            facts |= {"made_with": made.facts.get("made_with"), "options": made.facts.get("options"), "base": made.base}
        if made is not None and up:
            origins.append(self.dataset(made.dataset_id, down=False))
            if made.parent_id is not None:
                origins.append(self.checkpoint(made.parent_id, down=False))
        return Trace("checkpoint", row.name, facts, tuple(origins), self._uses(key) if down else ())

    def dataset(self, key: str, *, down: bool = True) -> Trace:
        manifest = self._connection.scalars(select(DatasetRow.manifest).where(DatasetRow.id == key)).one()
        record = json.loads(manifest)
        labels = tuple(self.label(label["annotation"]) for label in record["labels"] if self._is_there(label))
        query = select(RetrainingRow.candidate_id).where(RetrainingRow.dataset_id == key)
        learned = [one for one in self._connection.scalars(query) if one is not None] if down else []
        results = tuple(self.checkpoint(one, up=False, down=False) for one in learned)
        return Trace("dataset", key, {"labels": len(record["labels"]), "replay": record["replay"]}, labels, results)

    def article(self, key: int) -> Trace:
        sha256 = self._connection.scalars(select(ArticleRow.sha256).where(ArticleRow.id == key)).one()
        query = select(AnnotationRow.id, AnnotationRow.kind).where(AnnotationRow.article_id == key)
        read = self._connection.execute(query.order_by(AnnotationRow.id)).all()
        predicted = [self._prediction(row.id) for row in read if row.kind is AnnotationKind.PREDICTED]
        labels = [self.label(row.id) for row in read if row.kind is AnnotationKind.REVIEWED]
        learned = select(DatasetRow.id).where(DatasetRow.manifest.contains(sha256)).order_by(DatasetRow.created_at)
        datasets = [self._brief_dataset(one) for one in self._connection.scalars(learned)]
        return Trace("article", sha256, {}, (), (*predicted, *labels, *datasets))

    def _uses(self, checkpoint: int) -> tuple[Trace, ...]:
        """What it read, in sum; what reviewers made of it; when it was promoted; what went on from it."""
        read = select(func.count()).where(AnnotationRow.checkpoint_id == checkpoint)
        corrected = (
            select(ReviewRow.annotation_id)
            .join(PushRow, PushRow.id == ReviewRow.push_id)
            .join(AnnotationRow, AnnotationRow.id == PushRow.annotation_id)
            .where(AnnotationRow.checkpoint_id == checkpoint, ReviewRow.annotation_id.is_not(None))
            .order_by(ReviewRow.id)
        )
        promoted = select(PromotionRow.__table__).where(PromotionRow.checkpoint_id == checkpoint)
        children = select(RetrainingRow.candidate_id).where(
            RetrainingRow.parent_id == checkpoint, RetrainingRow.candidate_id.is_not(None)
        )
        return (
            Trace("predictions", str(self._connection.execute(read).scalar_one()), {}),
            *(self._brief_label(key) for key in self._connection.scalars(corrected) if key is not None),
            *(
                Trace("promotion", str(row.id), {"at": row.created_at.isoformat(), "reason": row.reason})
                for row in self._connection.execute(promoted.order_by(PromotionRow.id))
            ),
            *(self.checkpoint(key, up=False, down=False) for key in self._connection.scalars(children) if key),
        )

    def _reviews_of(self, annotation: int) -> tuple[Trace, ...]:
        """The labels that correct a prediction, and the datasets that hold the label or its own reading."""
        query = (
            select(ReviewRow.annotation_id)
            .join(PushRow, PushRow.id == ReviewRow.push_id)
            .where(PushRow.annotation_id == annotation, ReviewRow.annotation_id.is_not(None))
            .order_by(ReviewRow.id)
        )
        labels = [key for key in self._connection.scalars(query) if key is not None]
        return (*(self._brief_label(key) for key in labels), *self._datasets_with({annotation, *labels}))

    def _datasets_with(self, annotations: Iterable[int]) -> list[Trace]:
        wanted = set(annotations)
        query = select(DatasetRow.id, DatasetRow.manifest).order_by(DatasetRow.created_at)
        return [
            self._brief_dataset(row.id)
            for row in self._connection.execute(query).all()
            if wanted & {label["annotation"] for label in json.loads(row.manifest)["labels"]}
        ]

    def _brief_label(self, key: int) -> Trace:
        whole = self.label(key)
        return Trace(whole.kind, whole.id, whole.facts)

    def _brief_dataset(self, key: str) -> Trace:
        whole = self.dataset(key)
        return Trace(whole.kind, whole.id, whole.facts, (), whole.results)

    def _prediction(self, key: int) -> Trace:
        return Trace("prediction", str(key), self._about(self._annotation(key)))

    def _annotation(self, key: int) -> Any:
        query = (
            select(AnnotationRow.kind, AnnotationRow.checkpoint_id, ArticleRow.sha256, CheckpointRow.name)
            .join(ArticleRow, ArticleRow.id == AnnotationRow.article_id)
            .outerjoin(CheckpointRow, CheckpointRow.id == AnnotationRow.checkpoint_id)
            .where(AnnotationRow.id == key)
        )
        return self._connection.execute(query).one()

    @staticmethod
    def _about(row: Any) -> dict[str, Any]:
        return {"article": row.sha256} | ({"checkpoint": row.name} if row.name else {})

    def _is_there(self, label: Mapping[str, Any]) -> bool:
        query = select(AnnotationRow.id).where(AnnotationRow.id == label["annotation"])
        return self._connection.scalars(query).one_or_none() is not None

    def _one(self, query: Select[Any]) -> Any:
        return self._connection.execute(query).one_or_none()
