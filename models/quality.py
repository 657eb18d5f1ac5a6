"""What reviewers did to predictions: by checkpoint, outlet and time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from statistics import median
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from extractor.document import outlet_of
from extractor.quotation import Role
from models.reviews import current_reviews
from models.tables import (
    AnnotationRow,
    CheckpointRow,
    Origin,
    ProjectRow,
    Purpose,
    PushRow,
    RegionCountRow,
    ReviewRow,
    SightingRow,
    Verdict,
)


class Period(StrEnum):
    """How time is cut; weeks are those of ISO 8601, days those of UTC."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    def start(self, when: datetime) -> date:
        """The first day of the period that holds it."""
        day = when.astimezone(UTC).date()
        if self is Period.WEEK:
            return day - timedelta(days=day.weekday())
        return day.replace(day=1) if self is Period.MONTH else day

    def label(self, start: date) -> str:
        """``2026-01-31``, ``2026-W05`` or ``2026-01``."""
        return start.strftime({Period.DAY: "%Y-%m-%d", Period.WEEK: "%G-W%V", Period.MONTH: "%Y-%m"}[self])


@dataclass(frozen=True, slots=True)
class Regions:
    """How many regions were left alone, changed, deleted and added."""

    untouched: int = 0
    changed: int = 0
    deleted: int = 0
    added: int = 0

    def __add__(self, other: Regions) -> Regions:
        return Regions(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    @property
    def proposed(self) -> int:
        """What the checkpoint had found."""
        return self.untouched + self.changed + self.deleted

    @property
    def kept(self) -> int:
        """What the corrected reading holds."""
        return self.untouched + self.changed + self.added


@dataclass(frozen=True, slots=True)
class Corrections:
    """What one reviewer did to one checkpoint's prediction of one article.

    ``reason``: why the article was chosen; ``regions`` is empty where the verdict is no reading; ``lead_time`` is in
    seconds.
    """

    checkpoint: str
    outlet: str
    article_id: int
    reason: str
    reviewer: str
    verdict: Verdict
    reviewed_at: datetime
    lead_time: float | None = None
    regions: Mapping[Role, Regions] = field(default_factory=dict)

    @property
    def total(self) -> Regions:
        return sum(self.regions.values(), Regions())


@dataclass(frozen=True, slots=True)
class QualityRow:
    """The corrections of one checkpoint, outlet and period; ``lead_time``: the median, in seconds, of those known."""

    checkpoint: str
    outlet: str
    period: date
    articles: int
    regions: Mapping[Role, Regions]
    verdicts: Mapping[Verdict, int]
    lead_time: float | None

    @property
    def total(self) -> Regions:
        return sum(self.regions.values(), Regions())


def load_corrections(engine: Engine, since: datetime | None = None) -> list[Corrections]:
    """Of the reviews that hold, in the order of time.

    Left out: answers to blind tasks, which correct nothing; what was deleted; what an earlier annotation of the same
    reviewer said of the same task; reviews of a prediction that is no longer known.
    """
    with engine.connect() as connection:
        rows = _last_of_reviewers(connection, since)
        regions = _regions(connection)
        names = _checkpoint_names(connection)
        outlets = _outlets(connection)
    return [
        Corrections(
            names[row.checkpoint_id],
            outlets.get(row.article_id, ""),
            row.article_id,
            row.reason,
            row.reviewer,
            row.verdict,
            row.reviewed_at,
            row.lead_time,
            regions.get(row.id, {}),
        )
        for row in rows
    ]


def by_period(corrections: Iterable[Corrections], period: Period) -> list[QualityRow]:
    """One row for each checkpoint, outlet and period that has some, the newest period first."""
    cells: dict[tuple[date, str, str], list[Corrections]] = defaultdict(list)
    for one in corrections:
        cells[period.start(one.reviewed_at), one.checkpoint, one.outlet].append(one)
    rows = [_row(start, checkpoint, outlet, some) for (start, checkpoint, outlet), some in sorted(cells.items())]
    return sorted(rows, key=lambda row: row.period, reverse=True)


def regions_by_role(corrections: Iterable[Corrections]) -> dict[Role, Regions]:
    found = dict.fromkeys(Role, Regions())
    for one in corrections:
        for role, regions in one.regions.items():
            found[role] += regions
    return found


def _row(start: date, checkpoint: str, outlet: str, some: Sequence[Corrections]) -> QualityRow:
    times = [one.lead_time for one in some if one.lead_time is not None]
    return QualityRow(
        checkpoint,
        outlet,
        start,
        articles=len({one.article_id for one in some}),
        regions=regions_by_role(some),
        verdicts=Counter(one.verdict for one in some),
        lead_time=median(times) if times else None,
    )


def _last_of_reviewers(connection: Connection, since: datetime | None) -> list[Any]:
    query = (
        current_reviews()
        .join(AnnotationRow, AnnotationRow.id == PushRow.annotation_id)
        .with_only_columns(
            ReviewRow.id,
            ReviewRow.push_id,
            ReviewRow.reviewer,
            ReviewRow.verdict,
            ReviewRow.reviewed_at,
            ReviewRow.lead_time,
            PushRow.reason,
            AnnotationRow.article_id,
            AnnotationRow.checkpoint_id,
        )
        .where(ProjectRow.purpose == Purpose.REVIEW, ReviewRow.verdict != Verdict.DELETED)
        .order_by(ReviewRow.reviewed_at, ReviewRow.id)
    )
    last = {(row.push_id, row.reviewer): row for row in connection.execute(query)}
    rows = [row for row in last.values() if since is None or row.reviewed_at >= since]
    return sorted(rows, key=lambda row: (row.reviewed_at, row.id))


def _regions(connection: Connection) -> dict[int, dict[Role, Regions]]:
    """By review and role."""
    counts: dict[int, dict[Role, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for review, role, origin, number in connection.execute(select(RegionCountRow.__table__)):
        counts[review][role][Origin(origin).value] = number
    return {
        review: {role: Regions(**of_role) for role, of_role in by_role.items()} for review, by_role in counts.items()
    }


def _checkpoint_names(connection: Connection) -> dict[int, str]:
    """Two of one name are told apart by their fingerprints."""
    rows = connection.execute(select(CheckpointRow.id, CheckpointRow.name, CheckpointRow.fingerprint)).all()
    shared = Counter(row.name for row in rows)
    return {row.id: row.name if shared[row.name] == 1 else f"{row.name} {row.fingerprint[:8]}" for row in rows}


def _outlets(connection: Connection) -> dict[int, str]:
    """By article, as of the place where it was first seen."""
    first = select(func.min(SightingRow.id)).group_by(SightingRow.article_id)
    pushed = select(PushRow.article_id)
    query = select(SightingRow.article_id, SightingRow.path).where(
        SightingRow.id.in_(first), SightingRow.article_id.in_(pushed)
    )
    return {article: outlet_of(path) for article, path in connection.execute(query)}
