"""Which checkpoint people use: a history that only grows, so that promoting and rolling back is one row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, func, insert, select

from extractor.checkpoint_folder import CheckpointError, fingerprint
from models.engine import writing
from models.learning_tables import PromotionRow
from models.tables import AnnotationRow, CheckpointRow

STARTER = "starter"
"""What the checkpoint that ships with the program is called where one is named."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A checkpoint that the database knows; ``annotations``: how many articles it has read."""

    id: int
    name: str
    fingerprint: str
    path: str | None
    created_at: datetime
    annotations: int = 0

    def verified(self) -> Path:
        """Its folder. Raises CheckpointError where that is not, byte for byte, what was registered."""
        mend = "restore it, or run extractor checkpoints rollback"
        if self.path is None or not Path(self.path).is_dir():
            raise CheckpointError(f"checkpoint {self.name} is not at {self.path} any more: {mend}")
        if fingerprint(Path(self.path)) != self.fingerprint:
            raise CheckpointError(f"checkpoint {self.name} at {self.path} was changed since it was registered: {mend}")
        return Path(self.path)


@dataclass(frozen=True, slots=True)
class Promotion:
    """``name``: the checkpoint's, None for the one that ships with the program."""

    name: str | None
    is_rollback: bool
    reason: str
    created_at: datetime


class Checkpoints:
    """On one database (`models.engine.open_database`)."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def current(self) -> Registered | None:
        """What was promoted last; None for the checkpoint that ships with the program."""
        with self.engine.connect() as connection:
            key = current_id(connection)
            return None if key is None else _registered(connection, key)

    def find(self, name: str) -> Registered:
        """The newest of that name, or the one whose fingerprint begins so. Raises CheckpointError."""
        query = select(CheckpointRow.id).order_by(CheckpointRow.id.desc())
        with self.engine.connect() as connection:
            key = connection.scalars(query.where(CheckpointRow.name == name).limit(1)).one_or_none()
            if key is None and len(name) >= 6:
                begins = CheckpointRow.fingerprint.startswith(name, autoescape=True)
                key = connection.scalars(query.where(begins).limit(1)).one_or_none()
            if key is None:
                raise CheckpointError(f"no checkpoint {name} is known: see extractor checkpoints list")
            return _registered(connection, key)

    def all(self) -> list[Registered]:
        """The oldest first."""
        counts = select(AnnotationRow.checkpoint_id, func.count().label("n")).group_by(AnnotationRow.checkpoint_id)
        read = counts.subquery()
        query = (
            select(CheckpointRow.__table__, func.coalesce(read.c.n, 0))
            .outerjoin(read, read.c.checkpoint_id == CheckpointRow.id)
            .order_by(CheckpointRow.id)
        )
        with self.engine.connect() as connection:
            return [Registered(*row) for row in connection.execute(query)]

    def promotions(self) -> list[Promotion]:
        """The oldest first."""
        query = (
            select(CheckpointRow.name, PromotionRow.is_rollback, PromotionRow.reason, PromotionRow.created_at)
            .select_from(PromotionRow)
            .outerjoin(CheckpointRow, CheckpointRow.id == PromotionRow.checkpoint_id)
            .order_by(PromotionRow.id)
        )
        with self.engine.connect() as connection:
            return [Promotion(*row) for row in connection.execute(query)]

    def promote(self, name: str, reason: str) -> str:
        """Makes it what people use from now on; its full name. Raises CheckpointError where it is not whole."""
        if name == STARTER:
            chosen = None
        else:
            chosen = self.find(name)
            chosen.verified()
        with writing(self.engine) as connection:
            promote(connection, chosen.id if chosen else None, reason)
        return chosen.name if chosen else STARTER

    def rollback(self, reason: str) -> str:
        """Back to what was used before the current one, and so on at each call; its name.

        Raises CheckpointError where nothing was before, or it is not whole any more.
        """
        with writing(self.engine) as connection:
            history = _in_use(connection)
            if len(history) < 2:
                raise CheckpointError("there is nothing to roll back to: no checkpoint was promoted")
            before = history[-2]
            chosen = None if before is None else _registered(connection, before)
            if chosen:
                chosen.verified()
            row = {"checkpoint_id": before, "is_rollback": True, "reason": reason}
            connection.execute(insert(PromotionRow), row)
        return chosen.name if chosen else STARTER


def promote(connection: Connection, checkpoint: int | None, reason: str) -> None:
    """One row; the caller's transaction makes it hold together with whatever else it writes."""
    connection.execute(insert(PromotionRow), {"checkpoint_id": checkpoint, "reason": reason})


def current_id(connection: Connection) -> int | None:
    """None for the checkpoint that ships with the program."""
    query = select(PromotionRow.checkpoint_id).order_by(PromotionRow.id.desc()).limit(1)
    return connection.scalars(query).one_or_none()


def _in_use(connection: Connection) -> Sequence[int | None]:
    """What is in use, after all that would be in use again if it were rolled back, the last of them first but one."""
    stack: list[int | None] = [None]
    query = select(PromotionRow.checkpoint_id, PromotionRow.is_rollback).order_by(PromotionRow.id)
    for key, is_rollback in connection.execute(query):
        if is_rollback:
            stack.pop()
        elif key != stack[-1]:
            stack.append(key)
    return stack


def _registered(connection: Connection, key: int) -> Registered:
    return Registered(*connection.execute(select(CheckpointRow.__table__).where(CheckpointRow.id == key)).one())
