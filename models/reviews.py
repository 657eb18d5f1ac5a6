"""What reviewers said, every revision of it: written once, never overwritten; the last revision is what holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Select, and_, func, insert, select, update
from sqlalchemy.orm import aliased

from extractor.annotation import Annotation
from extractor.document import Document
from extractor.quotation import Role
from models.engine import writing
from models.outbox import Project
from models.store import load_annotations, load_documents, save_reviewed
from models.tables import (
    READINGS,
    AnnotationRow,
    ArticleRow,
    CheckpointRow,
    Origin,
    ProblemRow,
    ProjectRow,
    Purpose,
    PushRow,
    RegionCountRow,
    ReviewRow,
    ReviewTaskRow,
    TaskState,
    Verdict,
)

_BATCH = 100


@dataclass(frozen=True, slots=True)
class Trouble:
    """What did not fit in a review; see ProblemRow."""

    region: str
    fault: str
    detail: str
    quarantined: bool


@dataclass(frozen=True, slots=True)
class Review:
    """An annotation of Label Studio as it is now; ``annotation`` is its reading, None where the verdict is none."""

    task_id: int
    label_studio_id: int
    verdict: Verdict
    reviewer: str
    interface_sha256: str
    reviewed_at: datetime
    annotation: Annotation | None = None
    lead_time: float | None = None
    note: str = ""
    result: Any = None
    troubles: Sequence[Trouble] = ()
    origins: Mapping[tuple[Role, Origin], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PushedTask:
    """A task of the server as we know it: ``shown`` is what the reviewer saw, None where that was the text alone.

    ``known``: Label Studio's ids of annotations that are not deleted, as of the last pull, with their task's id.
    """

    push_id: int
    article_id: int
    document: Document
    shown: Annotation | None
    known: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A reading that holds, with all that is known of where it came from.

    ``review_id`` and ``annotation_id`` are our rows of it; ``shown_id`` is the prediction that it corrects, None where
    that is gone.
    """

    annotation: Annotation
    verdict: Verdict
    reviewer: str
    reviewed_at: datetime
    task_id: int
    label_studio_id: int
    purpose: Purpose
    interface_sha256: str
    review_id: int
    annotation_id: int
    shown_id: int | None


@dataclass(frozen=True, slots=True)
class ReportedTrouble:
    document_id: str
    task_id: int
    reviewer: str
    trouble: Trouble


class Reviews:
    """On one database (`models.engine.open_database`)."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def pushed(self, project: Project, sha256s: Collection[str]) -> dict[str, PushedTask]:
        """By the articles' hashes; what is not in the outbox is left out."""
        query = (
            select(PushRow.id, PushRow.article_id, PushRow.annotation_id, ArticleRow.raw, ArticleRow.sha256)
            .join(ArticleRow, ArticleRow.id == PushRow.article_id)
            .where(PushRow.project_id == project.id, ArticleRow.sha256.in_(sha256s))
        )
        with self.engine.connect() as connection:
            rows = connection.execute(query).all()
            blind = project.purpose is Purpose.BLIND
            annotations = {row.annotation_id for row in rows if row.annotation_id is not None and not blind}
            shown = load_annotations(connection, annotations)
            documents = load_documents(connection, {row.article_id: row.raw for row in rows})
            known = _known(connection, [row.id for row in rows])
        return {
            row.sha256: PushedTask(
                row.id,
                row.article_id,
                documents[row.article_id],
                shown.get(row.annotation_id),
                known[row.id],
            )
            for row in rows
        }

    def save(self, reviews: Sequence[tuple[PushedTask, Review]]) -> list[Review]:
        """Keeps those that say something new, in one transaction, and moves their review tasks on; returns them."""
        new = []
        with writing(self.engine) as connection:
            for task, review in reviews:
                if revision := _new_revision(connection, task, review):
                    _save(connection, task, review, revision)
                    new.append(review)
        return new

    def readings(self) -> Iterator[Reviewed]:
        """What was accepted or corrected and still holds, in the order it was reviewed."""
        query = (
            current_reviews()
            .with_only_columns(ReviewRow.__table__, PushRow.annotation_id.label("shown_id"), ProjectRow.purpose)
            .where(ReviewRow.verdict.in_(READINGS))
            .order_by(ReviewRow.reviewed_at, ReviewRow.id)
        )
        with self.engine.connect() as connection:
            rows = connection.execute(query).all()
            names = _checkpoint_names(connection)
            for first in range(0, len(rows), _BATCH):
                some = rows[first : first + _BATCH]
                annotations = load_annotations(connection, {row.annotation_id for row in some})
                for row in some:
                    read = annotations[row.annotation_id]
                    yield Reviewed(
                        Annotation(read.document, names.get(row.shown_id, ""), read.quotations),
                        row.verdict,
                        row.reviewer,
                        row.reviewed_at,
                        row.task_id,
                        row.label_studio_id,
                        row.purpose,
                        row.interface_sha256,
                        row.id,
                        row.annotation_id,
                        row.shown_id,
                    )

    def ids_of(self, annotations: Collection[int]) -> dict[int, int]:
        """The reviews of these readings, by the annotations' ids."""
        query = select(ReviewRow.annotation_id, ReviewRow.id).where(ReviewRow.annotation_id.in_(annotations))
        with self.engine.connect() as connection:
            return {row.annotation_id: row.id for row in connection.execute(query)}

    def blind_articles(self) -> list[Document]:
        """Those of the blind projects, read or yet to be: gold, which never trains."""
        query = (
            select(PushRow.article_id, ArticleRow.raw)
            .join(ArticleRow, ArticleRow.id == PushRow.article_id)
            .join(ProjectRow, ProjectRow.id == PushRow.project_id)
            .where(ProjectRow.purpose == Purpose.BLIND)
            .order_by(PushRow.article_id)
        )
        with self.engine.connect() as connection:
            raws = dict(connection.execute(query).all())
            found = load_documents(connection, raws)
        return [found[article] for article in raws]

    def troubles(self) -> list[ReportedTrouble]:
        """Of the reviews that hold, in the order of their tasks."""
        query = (
            current_reviews()
            .join(ProblemRow, ProblemRow.review_id == ReviewRow.id)
            .join(ArticleRow, ArticleRow.id == PushRow.article_id)
            .with_only_columns(
                ProblemRow.__table__, ReviewRow.task_id, PushRow.article_id, ReviewRow.reviewer, ArticleRow.raw
            )
            .order_by(ReviewRow.task_id, ProblemRow.id)
        )
        with self.engine.connect() as connection:
            rows = connection.execute(query).all()
            documents = load_documents(connection, {row.article_id: row.raw for row in rows})
        return [
            ReportedTrouble(
                documents[row.article_id].id,
                row.task_id,
                row.reviewer,
                Trouble(row.region, row.fault, row.detail, row.quarantined),
            )
            for row in rows
        ]

    def verdicts(self) -> dict[Verdict, int]:
        query = current_reviews().with_only_columns(ReviewRow.verdict, func.count()).group_by(ReviewRow.verdict)
        with self.engine.connect() as connection:
            found = dict(connection.execute(query).all())
        return {verdict: found.get(verdict, 0) for verdict in Verdict}

    def origins(self) -> dict[str, dict[tuple[Role, Origin], int]]:
        """How many regions were left alone, changed, added and deleted, by the checkpoint that had found them."""
        query = (
            current_reviews()
            .join(RegionCountRow, RegionCountRow.review_id == ReviewRow.id)
            .join(AnnotationRow, AnnotationRow.id == PushRow.annotation_id)
            .join(CheckpointRow, CheckpointRow.id == AnnotationRow.checkpoint_id)
            .where(ProjectRow.purpose == Purpose.REVIEW)
            .with_only_columns(
                CheckpointRow.name, RegionCountRow.role, RegionCountRow.origin, func.sum(RegionCountRow.regions)
            )
            .group_by(CheckpointRow.name, RegionCountRow.role, RegionCountRow.origin)
        )
        counts: dict[str, dict[tuple[Role, Origin], int]] = defaultdict(dict)
        with self.engine.connect() as connection:
            for name, role, origin, regions in connection.execute(query):
                counts[name][role, origin] = regions
        return dict(counts)


def current_reviews() -> Select[Any]:
    """The last revision of each annotation, with its push and project."""
    later = aliased(ReviewRow)
    outdone = select(later.id).where(
        later.push_id == ReviewRow.push_id,
        later.label_studio_id == ReviewRow.label_studio_id,
        later.revision > ReviewRow.revision,
    )
    return (
        select(ReviewRow.id)
        .select_from(ReviewRow)
        .join(PushRow, PushRow.id == ReviewRow.push_id)
        .join(ProjectRow, ProjectRow.id == PushRow.project_id)
        .where(~outdone.exists())
    )


def _known(connection: Connection, pushes: Collection[int]) -> dict[int, dict[int, int]]:
    known: dict[int, dict[int, int]] = defaultdict(dict)
    query = current_reviews().with_only_columns(ReviewRow.push_id, ReviewRow.label_studio_id, ReviewRow.task_id)
    query = query.where(ReviewRow.push_id.in_(pushes), ReviewRow.verdict != Verdict.DELETED)
    for push, label_studio_id, task in connection.execute(query):
        known[push][label_studio_id] = task
    return known


def _checkpoint_names(connection: Connection) -> dict[int, str]:
    query = select(AnnotationRow.id, CheckpointRow.name).join(CheckpointRow)
    return dict(connection.execute(query.join(PushRow, PushRow.annotation_id == AnnotationRow.id)).all())


def _new_revision(connection: Connection, task: PushedTask, review: Review) -> int:
    """Its number; 0 where the last one says the same."""
    query = (
        select(ReviewRow.revision, ReviewRow.verdict, ReviewRow.result, ReviewRow.interface_sha256)
        .where(ReviewRow.push_id == task.push_id, ReviewRow.label_studio_id == review.label_studio_id)
        .order_by(ReviewRow.revision.desc())
    )
    last = connection.execute(query.limit(1)).one_or_none()
    if last is None:
        return 1
    same = (last.verdict, last.result) == (review.verdict, review.result)
    return 0 if same else int(last.revision) + 1


def _save(connection: Connection, task: PushedTask, review: Review, revision: int) -> None:
    reading = review.annotation and save_reviewed(connection, task.article_id, review.annotation)
    row = {
        "push_id": task.push_id,
        "task_id": review.task_id,
        "label_studio_id": review.label_studio_id,
        "revision": revision,
        "verdict": review.verdict,
        "annotation_id": reading,
        "reviewer": review.reviewer,
        "lead_time": review.lead_time,
        "interface_sha256": review.interface_sha256,
        "reviewed_at": review.reviewed_at,
        "note": review.note,
        "result": review.result,
    }
    key = connection.execute(insert(ReviewRow).returning(ReviewRow.id), row).scalar_one()
    if review.origins:
        counts = [
            {"review_id": key, "role": role, "origin": origin, "regions": regions}
            for (role, origin), regions in review.origins.items()
        ]
        connection.execute(insert(RegionCountRow), counts)
    if review.troubles:
        problems = [
            {"review_id": key, "region": t.region, "fault": t.fault, "detail": t.detail, "quarantined": t.quarantined}
            for t in review.troubles
        ]
        connection.execute(insert(ProblemRow), problems)
    _move_task(connection, task, review.verdict)


def _move_task(connection: Connection, task: PushedTask, verdict: Verdict) -> None:
    if verdict in (*READINGS, Verdict.REJECTED):
        before, after = [TaskState.PENDING, TaskState.PUSHED, TaskState.SKIPPED], TaskState.REVIEWED
    elif verdict is Verdict.SKIPPED:
        before, after = [TaskState.PUSHED], TaskState.SKIPPED
    else:
        return
    shown = select(PushRow.annotation_id).where(PushRow.id == task.push_id).scalar_subquery()
    of_task = and_(ReviewTaskRow.annotation_id == shown, ReviewTaskRow.state.in_(before))
    connection.execute(update(ReviewTaskRow).where(of_task).values(state=after))
