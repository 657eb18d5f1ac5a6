"""How good predictions were, as reviewers found them: figures, and what they come to in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from models.quality import Corrections, Period, QualityRow, Regions, by_period
from models.tables import Verdict
from review.drift import Drift, Move, Rate, Share, by_article, design_effect, drift, share


@dataclass(frozen=True, slots=True)
class QualityReport:
    """``corrections`` is not empty and in the order of time; ``rows`` have the newest period first."""

    corrections: Sequence[Corrections]
    period: Period
    rows: Sequence[QualityRow]
    drift: Drift

    @property
    def checkpoints(self) -> list[str]:
        """The one that was reviewed last comes first."""
        return list(dict.fromkeys(one.checkpoint for one in reversed(self.corrections)))


@dataclass(frozen=True, slots=True)
class DriftWarning:
    """What moved, in words, of one checkpoint and outlet."""

    checkpoint: str
    outlet: str
    what: str

    def __str__(self) -> str:
        return f"{self.checkpoint}, {self.outlet}, {self.what}"


def report_on(corrections: Sequence[Corrections], period: Period) -> QualityReport:
    return QualityReport(corrections, period, by_period(corrections, period), drift(corrections, period))


def shares(regions: Regions, effects: Mapping[Rate, float]) -> dict[Rate, Share]:
    """``effects``: the design effect of each rate, see `effects_of`."""
    return {rate: share(rate.hits(regions), rate.of(regions), effects[rate]) for rate in Rate}


def effects_of(corrections: Iterable[Corrections]) -> dict[Rate, float]:
    """The design effects of one checkpoint's rates."""
    articles = list(by_article(corrections).values())
    return {rate: design_effect(articles, rate) for rate in Rate}


def summary(report: QualityReport) -> str:
    """A paragraph: the checkpoint that was reviewed last, how much of it, and what reviewers did."""
    name, *others = report.checkpoints
    own = [one for one in report.corrections if one.checkpoint == name]
    articles, read = {one.article_id for one in own}, by_article(own)
    first, last = (one.reviewed_at.strftime("%Y-%m-%d") for one in (own[0], own[-1]))
    reviewers = len({one.reviewer for one in own})
    counted = f"{_counted(len(articles), 'article')} by {_counted(reviewers, 'reviewer')}"
    said = [f"{name} is the checkpoint that was reviewed last: {counted}, {first} to {last}."]
    if not_read := len(articles) - len(read):
        said.append(f"{_counted(not_read, 'article')} had no usable reading (skipped, rejected or unclear).")
    total = sum(read.values(), Regions())
    if total.proposed:
        found = shares(total, effects_of(own))
        kept = found[Rate.ACCEPTED]
        said.append(
            f"Of the {total.proposed:,} regions that it proposed, reviewers left {kept.value:.0%} as they were "
            f"(95% interval {kept.low:.0%} to {kept.high:.0%}), changed {found[Rate.CHANGED].value:.0%} "
            f"and deleted {found[Rate.DELETED].value:.0%}."
        )
    if total.kept:
        said.append(
            f"Of the {total.kept:,} regions of the corrected readings, {total.added / total.kept:.0%} were added."
        )
    if others:
        said.append(f"{_counted(len(others), 'other checkpoint')} in the report: {', '.join(others)}.")
    return " ".join(said)


def warnings(report: QualityReport) -> list[DriftWarning]:
    """One for each checkpoint and outlet whose rates moved beyond chance."""
    moved: dict[tuple[str, str | None], list[Move]] = {}
    for move in report.drift.warnings:
        moved.setdefault((move.checkpoint, move.outlet), []).append(move)
    return [
        DriftWarning(checkpoint, outlet_name(outlet), _said(latest_label(report), moves))
        for (checkpoint, outlet), moves in moved.items()
    ]


def latest_label(report: QualityReport) -> str:
    """Of the period that is compared with those before it; empty where nothing was read."""
    return report.period.label(report.drift.latest) if report.drift.latest else ""


def outlet_name(outlet: str | None) -> str:
    """``None``: all together; empty: of texts that came from no folder."""
    return "all outlets" if outlet is None else outlet or "no folder"


def as_dict(report: QualityReport) -> dict[str, Any]:
    """Ready for JSON: all rows, comparisons and warnings."""
    return {
        "summary": summary(report),
        "warnings": [str(warning) for warning in warnings(report)],
        "period": report.period.value,
        "latest": latest_label(report),
        "level": report.drift.level,
        "comparisons": [_move_as_dict(move) for move in report.drift.comparisons],
        "rows": list(_rows_as_dicts(report)),
    }


def _said(label: str, moves: Sequence[Move]) -> str:
    what = ", ".join(
        f"{move.rate.value} {'fell' if move.now < move.expected else 'rose'} to {move.now:.0%} "
        f"({move.expected:.0%} expected)"
        for move in moves
    )
    articles = f"{_counted(moves[0].articles_now, 'article')} against {moves[0].articles_before:,} before"
    return f"{label}: {what}; {articles}; p = {min(move.p for move in moves):.4f}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _move_as_dict(move: Move) -> dict[str, Any]:
    return asdict(move) | {"rate": move.rate.value}


def _rows_as_dicts(report: QualityReport) -> Iterator[dict[str, Any]]:
    effects = {
        name: effects_of(one for one in report.corrections if one.checkpoint == name) for name in report.checkpoints
    }
    for row in report.rows:
        yield {
            "checkpoint": row.checkpoint,
            "outlet": row.outlet,
            "period": report.period.label(row.period),
            "articles": row.articles,
            "verdicts": {verdict.value: row.verdicts.get(verdict, 0) for verdict in Verdict},
            "regions": {role.value: asdict(regions) for role, regions in row.regions.items()},
            "rates": {rate.value: asdict(of) for rate, of in shares(row.total, effects[row.checkpoint]).items()},
            "lead_time": row.lead_time,
        }
