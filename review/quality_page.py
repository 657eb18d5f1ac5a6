"""The quality report as one HTML page that needs nothing else: pictures are SVG, whose texts the browser shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from math import ceil
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from models.quality import Corrections, Regions, regions_by_role
from models.tables import Verdict
from review.drift import Rate, Share, by_article
from review.quality_report import QualityReport, effects_of, outlet_name, shares, summary, warnings

DRAWN = 6
"""Checkpoints in the pictures, those that were reviewed last: more colours cannot be told apart."""

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 440, 220, 40, 14, 12, 28  # of a picture and its margins, in pixels
_BAR = 84  # length of a bar that is 100%, in pixels


@dataclass(frozen=True, slots=True)
class _Point:
    """``low`` and ``high`` are places, like ``x`` and ``y``."""

    x: float
    y: float
    low: float
    high: float
    says: str
    moved: bool


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    points: Sequence[_Point]

    @property
    def path(self) -> str:
        return " ".join(f"{'L' if number else 'M'}{point.x},{point.y}" for number, point in enumerate(self.points))


@dataclass(frozen=True, slots=True)
class _Chart:
    """One rate over time; ticks are places with their labels."""

    rate: Rate
    lines: Sequence[_Line]
    x_ticks: Sequence[tuple[float, str]]
    y_ticks: Sequence[tuple[float, str]]


@dataclass(frozen=True, slots=True)
class _Bar:
    """``None`` for the share where there was nothing to count; ``scale``: what a full bar is."""

    share: Share | None
    scale: float
    moved: bool = False

    def place(self, value: float) -> float:
        return round(_BAR * min(1.0, value / self.scale), 1)


@dataclass(frozen=True, slots=True)
class _BarRow:
    name: str
    articles: int
    regions: Regions
    bars: Sequence[_Bar]


def page(report: QualityReport, title: str, made_at: datetime) -> str:
    """The HTML. Whatever comes from articles, reviewers and checkpoints is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": _percent, "duration": _duration, "outlet": outlet_name}
    drawn = report.checkpoints[:DRAWN]
    effects = {name: effects_of(_of(report, name)) for name in report.checkpoints}
    return environment.get_template("quality.html.j2").render(
        title=title,
        made_at=f"{made_at:%Y-%m-%d %H:%M} UTC",
        summary=summary(report),
        warnings=warnings(report),
        report=report,
        label=report.period.label,
        rates=list(Rate),
        verdicts=list(Verdict),
        drawn=drawn,
        charts=[_chart(report, rate, drawn, effects) for rate in Rate],
        size=(_WIDTH, _HEIGHT, _LEFT, _WIDTH - _RIGHT),
        bar=_BAR,
        outlets={name: _outlets(report, name, effects[name]) for name in drawn},
        roles={name: _roles(report, name, effects[name]) for name in drawn},
        rows=[(row, shares(row.total, effects[row.checkpoint])) for row in report.rows],
    )


def _of(report: QualityReport, checkpoint: str) -> list[Corrections]:
    return [one for one in report.corrections if one.checkpoint == checkpoint]


# Rates over time


def _chart(
    report: QualityReport, rate: Rate, checkpoints: Sequence[str], effects: Mapping[str, Mapping[Rate, float]]
) -> _Chart:
    found = {name: list(_over_time(report, name, rate, effects[name][rate])) for name in checkpoints}
    days = sorted({start for points in found.values() for start, _, _ in points})
    top = 1.0 if rate is Rate.ACCEPTED else _round_up([one for points in found.values() for _, one, _ in points])
    lines = [
        _Line(number, [_point(report, name, rate, start, one, articles, days, top) for start, one, articles in points])
        for number, (name, points) in enumerate(found.items())
    ]
    y_ticks = [(_y(top * part / 4, top), _percent(top * part / 4)) for part in range(5)]
    return _Chart(rate, lines, [(_x(day, days), report.period.label(day)) for day in _some(days)], y_ticks)


def _over_time(report: QualityReport, checkpoint: str, rate: Rate, effect: float) -> Iterator[tuple[date, Share, int]]:
    """For each period that has something to count, with the number of articles."""
    rows = sorted((row for row in report.rows if row.checkpoint == checkpoint), key=lambda row: row.period)
    for start, some in groupby(rows, key=lambda row: row.period):
        of_period = list(some)
        total = sum((row.total for row in of_period), Regions())
        if rate.of(total):
            articles = sum(row.articles for row in of_period)
            yield start, _share(rate, total, effect), articles


def _point(
    report: QualityReport,
    name: str,
    rate: Rate,
    start: date,
    one: Share,
    articles: int,
    days: Sequence[date],
    top: float,
) -> _Point:
    says = (
        f"{name}, {report.period.label(start)}: {rate.value} {_percent(one.value)} "
        f"({_percent(one.low)} to {_percent(one.high)}), articles: {articles}"
    )
    moved = start == report.drift.latest and _has_moved(report, name, None, rate)
    return _Point(_x(start, days), _y(one.value, top), _y(one.low, top), _y(one.high, top), says, moved)


def _x(day: date, days: Sequence[date]) -> float:
    """In proportion to time; a single day stands in the middle."""
    width, span = _WIDTH - _LEFT - _RIGHT - 24, (days[-1] - days[0]).days
    return round(_LEFT + 12 + width * ((day - days[0]).days / span if span else 0.5), 1)


def _y(value: float, top: float) -> float:
    return round(_HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * min(1.0, value / top), 1)


def _some(days: Sequence[date]) -> list[date]:
    """At most five, evenly, the first and the last among them."""
    if len(days) <= 5:
        return list(days)
    return [days[round(number * (len(days) - 1) / 4)] for number in range(5)]


def _round_up(found: Sequence[Share]) -> float:
    """The end of a scale that shows all intervals but of the smallest counts: a multiple of 20%."""
    return min(1.0, max(0.2, ceil(5 * max((one.value + one.high) / 2 for one in found)) / 5)) if found else 1.0


# By outlet and by role


def _outlets(report: QualityReport, checkpoint: str, effects: Mapping[Rate, float]) -> list[_BarRow]:
    """All together first, then the one with the most regions."""
    own = _of(report, checkpoint)
    by_outlet: dict[str | None, list[Corrections]] = {}
    for one in own:
        by_outlet.setdefault(one.outlet, []).append(one)
    found = {outlet: by_article(some) for outlet, some in by_outlet.items()}
    if len(found) > 1:
        found[None] = by_article(own)
    totals = {outlet: sum(articles.values(), Regions()) for outlet, articles in found.items()}
    scales = _scales(list(totals.values()), effects)

    def row(outlet: str | None) -> _BarRow:
        total = totals[outlet]
        moved = {rate: _has_moved(report, checkpoint, outlet, rate) for rate in Rate}
        bars = [_bar(total, rate, effects[rate], scales[rate], moved[rate]) for rate in Rate]
        return _BarRow(outlet_name(outlet), len(found[outlet]), total, bars)

    in_order = sorted(found, key=lambda outlet: (outlet is not None, -totals[outlet].proposed, outlet or ""))
    return [row(outlet) for outlet in in_order]


def _roles(report: QualityReport, checkpoint: str, effects: Mapping[Rate, float]) -> list[_BarRow]:
    own = _of(report, checkpoint)
    found = {role: regions for role, regions in regions_by_role(own).items() if regions != Regions()}
    scales = _scales(list(found.values()), effects)
    articles = len(by_article(own))
    return [
        _BarRow(role.value, articles, regions, [_bar(regions, rate, effects[rate], scales[rate]) for rate in Rate])
        for role, regions in found.items()
    ]


def _bar(regions: Regions, rate: Rate, effect: float, scale: float, moved: bool = False) -> _Bar:
    return _Bar(_share(rate, regions, effect) if rate.of(regions) else None, scale, moved)


def _scales(totals: Sequence[Regions], effects: Mapping[Rate, float]) -> dict[Rate, float]:
    """The rates of what went wrong have one scale, so that they can be compared."""
    wrong = [rate for rate in Rate if rate is not Rate.ACCEPTED]
    end = _round_up([_share(rate, total, effects[rate]) for rate in wrong for total in totals if rate.of(total)])
    return dict.fromkeys(wrong, end) | {Rate.ACCEPTED: 1.0}


def _share(rate: Rate, regions: Regions, effect: float) -> Share:
    return shares(regions, dict.fromkeys(Rate, effect))[rate]


def _has_moved(report: QualityReport, checkpoint: str, outlet: str | None, rate: Rate) -> bool:
    key = (checkpoint, outlet, rate)
    return any((move.checkpoint, move.outlet, move.rate) == key for move in report.drift.warnings)


def _percent(value: float) -> str:
    return f"{value:.0%}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
