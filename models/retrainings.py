"""Attempts at a better checkpoint: begun, killed and gone on with, and how each ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Select, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from extractor.checkpoint_folder import fingerprint, name_of
from models.checkpoints import current_id, promote
from models.datasets import Dataset, keep
from models.engine import writing
from models.learning_tables import RetrainingRow, RetrainingState
from models.tables import CheckpointRow, ProblemRow, utc_now

CONTRADICTED = "contradicted"
"""The fault of a review that a checkpoint speaks against after it has learned from it."""


@dataclass(frozen=True, slots=True)
class Retraining:
    """As RetrainingRow has it, with the names of its checkpoints."""

    id: int
    name: str
    state: RetrainingState
    dataset: str
    base: str
    seed: int
    facts: Mapping[str, Any]
    scores: Mapping[str, Any] | None
    verdict: str | None
    started_at: datetime
    finished_at: datetime | None
    parent: str | None
    champion: str | None
    candidate: str | None

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "retraining": self.id,
            "state": self.state.value,
            "verdict": self.verdict,
            "candidate": self.candidate or self.name,
            "champion": self.champion,
            "parent": self.parent or self.base,
            "dataset": self.dataset,
            "seed": self.seed,
            "scores": self.scores,
            "facts": dict(self.facts),
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at and self.finished_at.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Doubt:
    """A review that the candidate contradicts, and how."""

    review_id: int
    detail: str


@dataclass(frozen=True, slots=True)
class Result:
    """How an attempt ended. ``champion_id``: what people used when the two were compared, None for the starter."""

    candidate: Path
    champion: Path
    champion_id: int | None
    is_better: bool
    verdict: str
    scores: Mapping[str, Any]
    facts: Mapping[str, Any]
    doubts: Sequence[Doubt] = ()


class Retrainings:
    """On one database (`models.engine.open_database`)."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def begin(self, dataset: Dataset, base: Path | str, seed: int, facts: Mapping[str, Any], parent: bool) -> int:
        """Freezes the dataset and writes down what is to be done; ``parent``: ``base`` is a checkpoint's folder."""
        with writing(self.engine) as connection:
            keep(connection, dataset)
            row = {"name": "", "dataset_id": dataset.id, "base": str(base), "seed": seed, "facts": dict(facts)}
            row["parent_id"] = register(connection, Path(base)) if parent else None
            key: int = connection.execute(insert(RetrainingRow).returning(RetrainingRow.id), row).scalar_one()
            name = f"retrained-{key}-{dataset.id[:8]}"
            connection.execute(update(RetrainingRow).where(RetrainingRow.id == key).values(name=name))
        return key

    def finish(self, key: int, result: Result) -> bool:
        """All of the end in one transaction: the candidate's row, the verdict, the promotion, the doubts.

        False, and nothing is written, where people use another checkpoint by now than the one it was compared with.
        """
        with writing(self.engine) as connection:
            if current_id(connection) != result.champion_id:
                return False
            candidate = register(connection, result.candidate)
            values = {
                "state": RetrainingState.PROMOTED if result.is_better else RetrainingState.KEPT,
                "candidate_id": candidate,
                "champion_id": register(connection, result.champion),
                "scores": dict(result.scores),
                "verdict": result.verdict,
                "facts": dict(result.facts),
                "finished_at": utc_now(),
            }
            connection.execute(update(RetrainingRow).where(RetrainingRow.id == key).values(values))
            if result.is_better:
                promote(connection, candidate, f"retraining {key}: {result.verdict}")
            _doubt(connection, result.doubts)
        return True

    def fail(self, key: int, reason: str) -> None:
        values = {"state": RetrainingState.FAILED, "verdict": reason, "finished_at": utc_now()}
        with writing(self.engine) as connection:
            connection.execute(update(RetrainingRow).where(RetrainingRow.id == key).values(values))

    def get(self, key: int) -> Retraining:
        return self._all(_query().where(RetrainingRow.id == key))[0]

    def running(self) -> Retraining | None:
        """The one that is under way, or was when it was killed."""
        found = self._all(_query().where(RetrainingRow.state == RetrainingState.RUNNING))
        return found[-1] if found else None

    def judged(self) -> list[Retraining]:
        """Those with a verdict, the oldest first."""
        states = (RetrainingState.PROMOTED, RetrainingState.KEPT)
        return self._all(_query().where(RetrainingRow.state.in_(states)))

    def of_candidate(self, name: str) -> Retraining | None:
        """The one that made the checkpoint of that name."""
        found = self._all(_query().where(RetrainingRow.name == name))
        return found[0] if found else None

    def of_dataset(self, key: str) -> list[Retraining]:
        return self._all(_query().where(RetrainingRow.dataset_id == key))

    def doubted(self) -> set[int]:
        """Reviews that a candidate contradicted: nobody is asked twice."""
        query = select(ProblemRow.review_id).where(ProblemRow.fault == CONTRADICTED)
        with self.engine.connect() as connection:
            return set(connection.scalars(query))

    def _all(self, query: Select[Any]) -> list[Retraining]:
        with self.engine.connect() as connection:
            return [Retraining(*row) for row in connection.execute(query.order_by(RetrainingRow.id))]


def register(connection: Connection, folder: Path) -> int:
    """The id of the checkpoint in that folder; weights that are known keep the name and path that they had first."""
    insert_new = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    found = fingerprint(folder)
    row = {"name": name_of(folder), "fingerprint": found, "path": str(folder)}
    connection.execute(insert_new(CheckpointRow).on_conflict_do_nothing(), row)
    return connection.execute(select(CheckpointRow.id).where(CheckpointRow.fingerprint == found)).scalar_one()


def _query() -> Select[Any]:
    parent, champion, candidate = (aliased(CheckpointRow) for _ in range(3))
    return (
        select(
            RetrainingRow.id,
            RetrainingRow.name,
            RetrainingRow.state,
            RetrainingRow.dataset_id,
            RetrainingRow.base,
            RetrainingRow.seed,
            RetrainingRow.facts,
            RetrainingRow.scores,
            RetrainingRow.verdict,
            RetrainingRow.started_at,
            RetrainingRow.finished_at,
            parent.name,
            champion.name,
            candidate.name,
        )
        .select_from(RetrainingRow)
        .outerjoin(parent, parent.id == RetrainingRow.parent_id)
        .outerjoin(champion, champion.id == RetrainingRow.champion_id)
        .outerjoin(candidate, candidate.id == RetrainingRow.candidate_id)
    )


def _doubt(connection: Connection, doubts: Sequence[Doubt]) -> None:
    rows = [
        {"review_id": doubt.review_id, "region": "", "fault": CONTRADICTED, "detail": doubt.detail}
        | {"quarantined": False}
        for doubt in doubts
    ]
    if rows:
        connection.execute(insert(ProblemRow), rows)
