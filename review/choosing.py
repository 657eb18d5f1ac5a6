"""What of the queue goes to Label Studio next: rows of the database as candidates of `review.selection`."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import Engine, select

from extractor.annotation import Annotation
from models.outbox import Plan
from models.store import load_annotations
from models.tables import AnnotationKind, AnnotationRow, ReviewTaskRow, TaskState
from review.agreement import disagreement
from review.queue import Queue
from review.selection import Candidate, Shares
from review.selection import select as chosen_of


def choose(engine: Engine, count: int, shares: Shares, seed: int) -> list[Plan]:
    """``count`` of the pending articles, or all there are, each with the reason it was chosen for.

    No near-duplicate of what is under review or was reviewed; where two checkpoints have read an article, how far
    they disagree counts too.
    """
    pending = Queue(engine).pending()
    with engine.connect() as connection:
        annotations = load_annotations(connection, [task.annotation_id for task in pending])
        others = _other_readings(engine, {task.annotation_id for task in pending})
        busy = select(ReviewTaskRow.annotation_id).where(
            ReviewTaskRow.state.in_([TaskState.PUSHED, TaskState.REVIEWED])
        )
        seen = load_annotations(connection, connection.scalars(busy).all())
    candidates = {
        task.annotation_id: _candidate(
            annotations[task.annotation_id], task.uncertainty, others.get(task.annotation_id)
        )
        for task in pending
    }
    by_hash = {candidate.document.sha256: key for key, candidate in candidates.items()}
    choices = chosen_of(
        list(candidates.values()), count, shares, seed, [_candidate(annotation, 0.0) for annotation in seen.values()]
    )
    return [Plan(by_hash[choice.candidate.document.sha256], choice.reason.value) for choice in choices]


def _other_readings(engine: Engine, annotations: set[int]) -> dict[int, Annotation]:
    """For each annotation the newest prediction of another checkpoint, where there is one."""
    query = select(AnnotationRow.id, AnnotationRow.article_id).where(AnnotationRow.kind == AnnotationKind.PREDICTED)
    by_article: dict[int, list[int]] = defaultdict(list)
    with engine.connect() as connection:
        for key, article in connection.execute(query.order_by(AnnotationRow.id)):
            by_article[article].append(key)
        pairs = {
            key: others[-1]
            for keys in by_article.values()
            for key in annotations.intersection(keys)
            if (others := [other for other in keys if other != key])
        }
        loaded = load_annotations(connection, set(pairs.values()))
    return {key: loaded[other] for key, other in pairs.items()}


def _candidate(annotation: Annotation, uncertainty: float, other: Annotation | None = None) -> Candidate:
    document = annotation.document
    differs = disagreement(document, annotation.quotations, other.quotations) if other else 0.0
    types = tuple(quotation.type for quotation in annotation.quotations)
    return Candidate(document, types, uncertainty, document.outlet, differs)
