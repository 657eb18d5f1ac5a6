"""The outbox: what is to be, or is, on a Label Studio server, written down before anything is sent.

A task that is planned may or may not be there, for a program can be killed between the server's commit and ours: only
the server, asked by the article's hash, can say.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, bindparam, delete, func, insert, select, update

from extractor.annotation import Annotation
from extractor.errors import MendableError
from models.engine import writing
from models.store import load_annotations
from models.tables import (
    AnnotationRow,
    ArticleRow,
    CheckpointRow,
    LeaseRow,
    ProjectRow,
    Purpose,
    PushRow,
    PushState,
    ReviewRow,
    ReviewTaskRow,
    TaskState,
    utc_now,
)

LEASE = timedelta(minutes=5)
"""How long a silent holder keeps its lease; longer than any one request may take."""


class LeaseTakenError(MendableError):
    """Another program does what only one may do."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project of a Label Studio server; ``id`` is ours, ``label_studio_id`` theirs."""

    id: int
    url: str
    label_studio_id: int
    purpose: Purpose
    interface: str
    cursor: datetime | None


@dataclass(frozen=True, slots=True)
class Plan:
    """An annotation to be pushed, and why it was chosen."""

    annotation_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class Push:
    """A row of the outbox with what it shows; ``sha256`` is the article's."""

    id: int
    sha256: str
    annotation: Annotation


class Outbox:
    """On one database (`models.engine.open_database`)."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def project(self, url: str, purpose: Purpose) -> Project | None:
        """The newest of that server; None before `extractor review setup`."""
        query = select(ProjectRow.__table__).where(ProjectRow.url == url, ProjectRow.purpose == purpose)
        with self.engine.connect() as connection:
            row = connection.execute(query.order_by(ProjectRow.id.desc()).limit(1)).one_or_none()
        if row is None:
            return None
        return Project(row.id, row.url, row.label_studio_id, row.purpose, row.interface, row.cursor)

    def save_project(self, url: str, label_studio_id: int, purpose: Purpose, interface: str) -> None:
        """Adds it, or notes that its interface is another one now."""
        key = (ProjectRow.url == url, ProjectRow.label_studio_id == label_studio_id)
        row = {"url": url, "label_studio_id": label_studio_id, "purpose": purpose, "interface": interface}
        with writing(self.engine) as connection:
            if connection.execute(update(ProjectRow).where(*key).values(interface=interface)).rowcount == 0:
                connection.execute(insert(ProjectRow), row)

    def set_cursor(self, project: Project, cursor: datetime | None) -> None:
        with writing(self.engine) as connection:
            connection.execute(update(ProjectRow).where(ProjectRow.id == project.id).values(cursor=cursor))

    def plan(self, project: Project, plans: Sequence[Plan]) -> int:
        """Writes down what is to be sent, and takes it out of the queue; says how many are new to the project."""
        with writing(self.engine) as connection:
            articles = _articles_of(connection, [plan.annotation_id for plan in plans])
            taken = _pushed_articles(connection, project, list(articles.values()))
            new = [plan for plan in plans if articles[plan.annotation_id] not in taken]
            if new:
                rows = [
                    {"project_id": project.id, "article_id": articles[plan.annotation_id]}
                    | {"annotation_id": plan.annotation_id, "reason": plan.reason}
                    for plan in new
                ]
                connection.execute(insert(PushRow), rows)
                _move(connection, [plan.annotation_id for plan in new], TaskState.PENDING, TaskState.PUSHED)
        return len(new)

    def in_doubt(self, project: Project, limit: int, after: int = 0) -> list[Push]:
        """What was planned and not yet confirmed, the oldest first, of pushes with ids above ``after``."""
        query = (
            select(PushRow.id, ArticleRow.sha256, PushRow.annotation_id)
            .join(ArticleRow, ArticleRow.id == PushRow.article_id)
            .where(PushRow.project_id == project.id, PushRow.state == PushState.PLANNED)
            .where(PushRow.annotation_id.is_not(None), PushRow.id > after)
            .order_by(PushRow.id)
            .limit(limit)
        )
        with self.engine.connect() as connection:
            rows = connection.execute(query).all()
            annotations = load_annotations(connection, {row.annotation_id for row in rows})
        return [Push(row.id, row.sha256, annotations[row.annotation_id]) for row in rows]

    def confirm(self, project: Project, tasks: Mapping[int, int]) -> None:
        """The server's tasks by our pushes: they are there."""
        if tasks:
            query = update(PushRow).where(PushRow.id == bindparam("push"), PushRow.project_id == project.id)
            rows = [{"push": push, "task": task} for push, task in tasks.items()]
            with writing(self.engine) as connection:
                connection.execute(query.values(state=PushState.CONFIRMED, task_id=bindparam("task")), rows)

    def adopt(self, project: Project, tasks: Mapping[str, tuple[int, str]]) -> int:
        """Takes in tasks that the server has and the outbox does not, as after an older database was restored.

        ``tasks``: the server's id and the checkpoint's name by the article's hash. Articles that are not here are left.
        """
        with writing(self.engine) as connection:
            query = select(ArticleRow.sha256, ArticleRow.id).where(ArticleRow.sha256.in_(tasks))
            articles = dict(connection.execute(query).all())
            taken = _pushed_articles(connection, project, list(articles.values()))
            new = {sha256: article for sha256, article in articles.items() if article not in taken}
            for sha256, article in new.items():
                task, checkpoint = tasks[sha256]
                shown = _annotation_by(connection, article, checkpoint)
                row = {"project_id": project.id, "article_id": article, "annotation_id": shown, "task_id": task}
                connection.execute(insert(PushRow), {**row, "state": PushState.CONFIRMED, "reason": "found"})
                if shown is not None:
                    _move(connection, [shown], TaskState.PENDING, TaskState.PUSHED)
        return len(new)

    def mark_gone(self, project: Project, tasks: Collection[int]) -> None:
        """Tasks that somebody deleted on the server; what was pulled of them stays."""
        with writing(self.engine) as connection:
            query = update(PushRow).where(PushRow.project_id == project.id, PushRow.task_id.in_(tasks))
            gone = connection.scalars(query.values(state=PushState.GONE).returning(PushRow.annotation_id)).all()
            _move(connection, [key for key in gone if key is not None], TaskState.PUSHED, TaskState.SKIPPED)

    def confirmed(self, project: Project) -> dict[int, int]:
        """Our pushes by the server's tasks, of all that are there."""
        query = select(PushRow.task_id, PushRow.id).where(
            PushRow.project_id == project.id, PushRow.state == PushState.CONFIRMED
        )
        with self.engine.connect() as connection:
            return {row.task_id: row.id for row in connection.execute(query)}

    def waiting(self, project: Project) -> int:
        """Tasks on the server, or on their way, that nobody has done."""
        done = select(ReviewRow.id).where(ReviewRow.push_id == PushRow.id)
        query = select(func.count()).where(PushRow.project_id == project.id, PushRow.state != PushState.GONE)
        with self.engine.connect() as connection:
            return connection.execute(query.where(~done.exists())).scalar_one()

    @contextmanager
    def lease(self, project: Project) -> Iterator[Lease]:
        """The right to push to the project. Raises LeaseTakenError while a living program has it."""
        lease = Lease(self.engine, f"push to project {project.label_studio_id} of {project.url}")
        lease.renew()
        try:
            yield lease
        finally:
            lease.release()


class Lease:
    """Held by one program until it ends, is silent for `LEASE`, or, on the same machine, is dead."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine, self.name = engine, name
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{id(self)}"

    def renew(self) -> None:
        """Takes it or keeps it for `LEASE` more. Raises LeaseTakenError where another program has it."""
        with writing(self.engine) as connection:
            found = connection.execute(select(LeaseRow.__table__).where(LeaseRow.name == self.name)).one_or_none()
            if found and found.holder != self.holder and found.expires_at > utc_now() and _is_alive(found.holder):
                raise LeaseTakenError(
                    f"another program has the right to {self.name} until {found.expires_at:%H:%M:%S} UTC "
                    f"({found.holder.rsplit(':', 1)[0]}): wait for it or stop it"
                )
            connection.execute(delete(LeaseRow).where(LeaseRow.name == self.name))
            row = {"name": self.name, "holder": self.holder, "expires_at": utc_now() + LEASE}
            connection.execute(insert(LeaseRow), row)

    def release(self) -> None:
        with writing(self.engine) as connection:
            connection.execute(delete(LeaseRow).where(LeaseRow.name == self.name, LeaseRow.holder == self.holder))


def _is_alive(holder: str) -> bool:
    """Whether it may be: of another machine's programs only the expiry of the lease can tell."""
    host, pid, _ = holder.rsplit(":", 2)
    if host != socket.gethostname():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _articles_of(connection: Connection, annotations: Collection[int]) -> dict[int, int]:
    query = select(AnnotationRow.id, AnnotationRow.article_id).where(AnnotationRow.id.in_(annotations))
    return dict(connection.execute(query).all())


def _pushed_articles(connection: Connection, project: Project, articles: Collection[int]) -> set[int]:
    query = select(PushRow.article_id).where(PushRow.project_id == project.id, PushRow.article_id.in_(articles))
    return set(connection.scalars(query))


def _annotation_by(connection: Connection, article: int, checkpoint: str) -> int | None:
    query = (
        select(AnnotationRow.id)
        .join(CheckpointRow, CheckpointRow.id == AnnotationRow.checkpoint_id)
        .where(AnnotationRow.article_id == article, CheckpointRow.name == checkpoint)
        .order_by(AnnotationRow.id.desc())
    )
    return connection.scalars(query.limit(1)).one_or_none()


def _move(connection: Connection, annotations: Collection[int], before: TaskState, after: TaskState) -> None:
    query = update(ReviewTaskRow).where(ReviewTaskRow.annotation_id.in_(annotations), ReviewTaskRow.state == before)
    connection.execute(query.values(state=after))
