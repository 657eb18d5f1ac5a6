"""The tables of retraining: what was learned from, what came of it, and which checkpoint people use.

Every change here needs a migration of its own; a test compares the two schemas.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.tables import Table, UtcDateTime, utc_now, values_of


class RetrainingState(StrEnum):
    """``running`` may have been killed: it is gone on with. ``kept``: the champion stays."""

    RUNNING = "running"
    PROMOTED = "promoted"
    KEPT = "kept"
    FAILED = "failed"


class DatasetRow(Table):
    """What a checkpoint learns from; ``id`` is the SHA-256 of ``manifest``, which is never changed."""

    __tablename__ = "datasets"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    manifest: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class RetrainingRow(Table):
    """One attempt at a better checkpoint.

    ``name``: of the candidate; ``parent_id``: the checkpoint that training went on from, NULL where ``base`` is an
    encoder; ``champion_id``: what the candidate was compared with; ``facts``: code, versions, options; ``verdict``: why
    it ended as it did.
    """

    __tablename__ = "retrainings"
    __table_args__ = (
        CheckConstraint("(state = 'running') = (finished_at IS NULL)", name="ends_when_finished"),
        CheckConstraint("state NOT IN ('promoted', 'kept') OR candidate_id IS NOT NULL", name="verdict_on_candidate"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    state: Mapped[RetrainingState] = mapped_column(
        values_of(RetrainingState, "state"), default=RetrainingState.RUNNING, index=True
    )
    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id", ondelete="RESTRICT"), index=True)
    base: Mapped[str] = mapped_column(Text)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("checkpoints.id", ondelete="RESTRICT"), index=True)
    champion_id: Mapped[int | None] = mapped_column(ForeignKey("checkpoints.id", ondelete="RESTRICT"), index=True)
    candidate_id: Mapped[int | None] = mapped_column(ForeignKey("checkpoints.id", ondelete="RESTRICT"), index=True)
    seed: Mapped[int]
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    scores: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    verdict: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PromotionRow(Table):
    """The checkpoint that people use from then on: the last row is the one; nothing is changed or deleted.

    ``checkpoint_id``: NULL is the one that ships with the program. ``is_rollback``: it was used before the one before.
    """

    __tablename__ = "promotions"

    id: Mapped[int] = mapped_column(primary_key=True)
    checkpoint_id: Mapped[int | None] = mapped_column(ForeignKey("checkpoints.id", ondelete="RESTRICT"), index=True)
    is_rollback: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
