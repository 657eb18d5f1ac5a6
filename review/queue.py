"""What to review next: the annotations whose tagger was least sure of something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, and_, func, or_, select, update
from sqlalchemy.orm import aliased

from models.engine import writing
from models.tables import ArticleRow, ReviewTaskRow, TaskState

MOVES = {
    TaskState.PENDING: {TaskState.PUSHED, TaskState.REVIEWED, TaskState.SKIPPED},
    TaskState.PUSHED: {TaskState.PENDING, TaskState.REVIEWED, TaskState.SKIPPED},
    TaskState.REVIEWED: set[TaskState](),
    TaskState.SKIPPED: {TaskState.PENDING, TaskState.REVIEWED},
}
"""From each state, those that may follow. What was reviewed stays reviewed."""


@dataclass(frozen=True, slots=True)
class ReviewTask:
    """An annotation of an article that waits; ``uncertainty`` from 0, sure of every quotation, to 1."""

    id: int
    sha256: str
    annotation_id: int
    uncertainty: float


class Queue:
    """The review tasks of one database (`models.engine.open_database`)."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def pending(self, limit: int | None = None) -> Sequence[ReviewTask]:
        """The least sure first, at most ``limit``.

        An article that is being reviewed, or was, and an older reading, stay out.
        """
        other = aliased(ReviewTaskRow)
        settled = other.state.in_([TaskState.PUSHED, TaskState.REVIEWED])
        newer = and_(other.state == TaskState.PENDING, other.id > ReviewTaskRow.id)
        outdone = select(other.id).where(other.article_id == ReviewTaskRow.article_id, or_(settled, newer))
        query = (
            select(ReviewTaskRow.id, ArticleRow.sha256, ReviewTaskRow.annotation_id, ReviewTaskRow.uncertainty)
            .join(ArticleRow, ArticleRow.id == ReviewTaskRow.article_id)
            .where(ReviewTaskRow.state == TaskState.PENDING, ~outdone.exists())
            .order_by(ReviewTaskRow.uncertainty.desc(), ReviewTaskRow.id)
            .limit(limit)
        )
        with self.engine.connect() as connection:
            return [ReviewTask(*row) for row in connection.execute(query)]

    def move(self, task_id: int, state: TaskState) -> bool:
        """False, and nothing changes, where the task is in a state that `MOVES` does not lead on from."""
        before = [start for start, ends in MOVES.items() if state in ends]
        query = update(ReviewTaskRow).where(ReviewTaskRow.id == task_id, ReviewTaskRow.state.in_(before))
        with writing(self.engine) as connection:
            return connection.execute(query.values(state=state)).rowcount == 1

    def counts(self) -> dict[TaskState, int]:
        """How many tasks are in each state."""
        query = select(ReviewTaskRow.state, func.count()).group_by(ReviewTaskRow.state)
        with self.engine.connect() as connection:
            found = dict(connection.execute(query).all())
        return {state: found.get(state, 0) for state in TaskState}
