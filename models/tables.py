"""The tables: what was read, by which checkpoint, what it found, and what a person is to look at.

Every change here needs a migration of its own; a test compares the two schemas.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from extractor.quotation import QuotationType, Role, SpeakerKind

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class AnnotationKind(StrEnum):
    PREDICTED = "predicted"
    REVIEWED = "reviewed"


class TaskState(StrEnum):
    """Where a review task stands: ``pushed`` is in Label Studio, ``skipped`` was given back undecided."""

    PENDING = "pending"
    PUSHED = "pushed"
    REVIEWED = "reviewed"
    SKIPPED = "skipped"


class UtcDateTime(TypeDecorator[datetime]):
    """SQLite drops the time zone: what is stored is UTC, and says so again when it is read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def utc_now() -> datetime:
    return datetime.now(UTC)


def values_of(enum: type[StrEnum], name: str) -> Enum:
    """A column of the enum's values and of nothing else."""
    # Without create_constraint there is no CHECK, and the database takes any nonsense.
    return Enum(
        enum,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=16,
        values_callable=lambda members: [member.value for member in members],
    )


class Table(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


class ArticleRow(Table):
    """A text, once, however many places it was seen in."""

    __tablename__ = "articles"

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    raw: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class SightingRow(Table):
    """A place where an article was seen; ``path`` is empty where the text came from no file."""

    __tablename__ = "sightings"
    # NULLs are distinct to a unique constraint: the empty path stands for none, or standard input doubles.
    __table_args__ = (UniqueConstraint("article_id", "document_id", "path"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("articles.id", ondelete="CASCADE"))
    document_id: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text)
    title: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class CheckpointRow(Table):
    """The weights that annotate; the fingerprint is of their content, so a renamed folder is the same."""

    __tablename__ = "checkpoints"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text, index=True)
    fingerprint: Mapped[str] = mapped_column(String(128), unique=True)
    path: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class RunRow(Table):
    """One `extractor run`; without ``finished_at`` it is under way or was interrupted."""

    __tablename__ = "runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    checkpoint_id: Mapped[int] = mapped_column(ForeignKey("checkpoints.id", ondelete="RESTRICT"), index=True)
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    annotated: Mapped[int] = mapped_column(default=0)
    known: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    quotations: Mapped[int] = mapped_column(default=0)


class FailureRow(Table):
    """An input that a run could not read or keep."""

    __tablename__ = "failures"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), index=True)
    path: Mapped[str | None] = mapped_column(Text)
    record_id: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class AnnotationRow(Table):
    """A reading of an article: one prediction a checkpoint, any number of reviews. Never overwritten."""

    __tablename__ = "annotations"
    __table_args__ = (
        # A review has no checkpoint and NULLs are distinct: this holds for predictions only.
        UniqueConstraint("article_id", "checkpoint_id"),
        CheckConstraint("(kind = 'predicted') = (checkpoint_id IS NOT NULL)", name="predicted_has_checkpoint"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("articles.id", ondelete="CASCADE"))
    checkpoint_id: Mapped[int | None] = mapped_column(ForeignKey("checkpoints.id", ondelete="RESTRICT"), index=True)
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id", ondelete="SET NULL"), index=True)
    kind: Mapped[AnnotationKind] = mapped_column(values_of(AnnotationKind, "kind"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class SpeakerRow(Table):
    """Who it is, within one annotation; several quotations may share the row."""

    __tablename__ = "speakers"

    id: Mapped[int] = mapped_column(primary_key=True)
    annotation_id: Mapped[int] = mapped_column(ForeignKey("annotations.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[SpeakerKind] = mapped_column(values_of(SpeakerKind, "kind"))
    mentions: Mapped[list[str]] = mapped_column(JSON)


class QuotationRow(Table):
    """``public_id`` is the id in the program's output; ``position`` counts from 0 in the annotation."""

    __tablename__ = "quotations"
    __table_args__ = (UniqueConstraint("annotation_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    annotation_id: Mapped[int] = mapped_column(ForeignKey("annotations.id", ondelete="CASCADE"))
    position: Mapped[int]
    public_id: Mapped[str] = mapped_column(String(16), index=True)
    type: Mapped[QuotationType] = mapped_column(values_of(QuotationType, "type"))
    confidence: Mapped[float]
    speaker_id: Mapped[int | None] = mapped_column(ForeignKey("speakers.id", ondelete="SET NULL"), index=True)
    via_id: Mapped[int | None] = mapped_column(ForeignKey("speakers.id", ondelete="SET NULL"), index=True)


class SpanRow(Table):
    """``repeat`` 0 is the first place, 1 and up where the page holds it again; ``part`` orders a content."""

    __tablename__ = "spans"
    __table_args__ = (
        CheckConstraint('0 <= start AND start < "end"', name="not_empty"),
        {"sqlite_with_rowid": False},
    )

    quotation_id: Mapped[int] = mapped_column(ForeignKey("quotations.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[Role] = mapped_column(values_of(Role, "role"), primary_key=True)
    repeat: Mapped[int] = mapped_column(primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True)
    start: Mapped[int]
    end: Mapped[int]
    text: Mapped[str] = mapped_column(Text)


class ReviewTaskRow(Table):
    """An annotation to be looked at; ``uncertainty`` is 1 less the least confidence among its quotations."""

    __tablename__ = "review_tasks"
    __table_args__ = (Index(None, "state", "uncertainty"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("articles.id", ondelete="CASCADE"), index=True)
    annotation_id: Mapped[int] = mapped_column(ForeignKey("annotations.id", ondelete="CASCADE"), unique=True)
    state: Mapped[TaskState] = mapped_column(values_of(TaskState, "state"), default=TaskState.PENDING)
    uncertainty: Mapped[float]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class Purpose(StrEnum):
    """What a project of Label Studio is for: ``blind`` tasks hold no predictions, what comes back is gold."""

    REVIEW = "review"
    BLIND = "blind"


class PushState(StrEnum):
    """``planned``: the server may or may not have it; ``gone``: somebody deleted it there."""

    PLANNED = "planned"
    CONFIRMED = "confirmed"
    GONE = "gone"


class Verdict(StrEnum):
    """What a review says of an article; the first three are readings of it, which training may use."""

    ACCEPTED = "accepted"
    CORRECTED = "corrected"
    NO_QUOTATIONS = "no quotations"
    REJECTED = "rejected"
    UNCLEAR = "unclear"
    SKIPPED = "skipped"
    DELETED = "deleted"


READINGS = (Verdict.ACCEPTED, Verdict.CORRECTED, Verdict.NO_QUOTATIONS)


class Origin(StrEnum):
    """What became of a region, against what was sent."""

    UNTOUCHED = "untouched"
    CHANGED = "changed"
    ADDED = "added"
    DELETED = "deleted"


class ProjectRow(Table):
    """A project on a server; ``interface`` is what we installed there, ``cursor`` how far its changes were pulled."""

    __tablename__ = "projects"
    __table_args__ = (UniqueConstraint("url", "label_studio_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    url: Mapped[str] = mapped_column(Text)
    label_studio_id: Mapped[int]
    purpose: Mapped[Purpose] = mapped_column(values_of(Purpose, "purpose"))
    interface: Mapped[str] = mapped_column(Text)
    cursor: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class PushRow(Table):
    """The outbox: an article that is to be, or is, a task of a project. Written before anything is sent.

    ``annotation_id``: the prediction that it shows; ``task_id``: the server's; ``reason``: why it was chosen.
    """

    __tablename__ = "pushes"
    __table_args__ = (UniqueConstraint("project_id", "article_id"), Index(None, "project_id", "state"))

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    article_id: Mapped[int] = mapped_column(ForeignKey("articles.id", ondelete="CASCADE"), index=True)
    annotation_id: Mapped[int | None] = mapped_column(ForeignKey("annotations.id", ondelete="SET NULL"), index=True)
    state: Mapped[PushState] = mapped_column(values_of(PushState, "state"), default=PushState.PLANNED)
    task_id: Mapped[int | None]
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class LeaseRow(Table):
    """What one program at a time may do, until ``expires_at``."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    holder: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ReviewRow(Table):
    """An annotation of Label Studio as it was at one time; one that was done again has a further ``revision``.

    ``annotation_id``: its reading, where the verdict is one; ``result``: as it came.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        UniqueConstraint("push_id", "label_studio_id", "revision"),
        CheckConstraint(
            "(verdict IN ('accepted', 'corrected', 'no quotations')) = (annotation_id IS NOT NULL)",
            name="readings_have_annotations",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    push_id: Mapped[int] = mapped_column(ForeignKey("pushes.id", ondelete="CASCADE"))
    task_id: Mapped[int]
    label_studio_id: Mapped[int]
    revision: Mapped[int]
    verdict: Mapped[Verdict] = mapped_column(values_of(Verdict, "verdict"))
    annotation_id: Mapped[int | None] = mapped_column(ForeignKey("annotations.id", ondelete="CASCADE"), unique=True)
    reviewer: Mapped[str] = mapped_column(Text)
    lead_time: Mapped[float | None]
    interface_sha256: Mapped[str] = mapped_column(String(64))
    reviewed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    note: Mapped[str] = mapped_column(Text)
    result: Mapped[Any] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class RegionCountRow(Table):
    """How many regions of a review have that origin; the checkpoint is that of the push's annotation."""

    __tablename__ = "region_counts"
    __table_args__ = ({"sqlite_with_rowid": False},)

    review_id: Mapped[int] = mapped_column(ForeignKey("reviews.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[Role] = mapped_column(values_of(Role, "role"), primary_key=True)
    origin: Mapped[Origin] = mapped_column(values_of(Origin, "origin"), primary_key=True)
    regions: Mapped[int]


class ProblemRow(Table):
    """What did not fit in a review; ``quarantined``: it was left out, otherwise it is in doubt only."""

    __tablename__ = "problems"

    id: Mapped[int] = mapped_column(primary_key=True)
    review_id: Mapped[int] = mapped_column(ForeignKey("reviews.id", ondelete="CASCADE"), index=True)
    region: Mapped[str] = mapped_column(Text)
    fault: Mapped[str] = mapped_column(String(32))
    detail: Mapped[str] = mapped_column(Text)
    quarantined: Mapped[bool]
