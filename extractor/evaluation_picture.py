"""Scores at a glance: F1 with intervals, what may be accepted unseen, what confidence means, where recall is lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from extractor.drawing import COLOURS, GREY, INK, MARKS, bare, draw
from extractor.evaluation import Part, Scores

_BASELINE = "rules"
_WANTED = 0.95
_MEASURES = {"found": "content found", "exact": "content exact", "who": "who said what"}


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A system with its colour and mark, and how far above the middle of its row it stands, from -0.5 to 0.5."""

    name: str
    scores: Scores
    colour: str
    mark: str
    offset: float


def draw_scores(scores: Mapping[str, Scores], title: str, path: Path) -> None:
    """Writes a .png or .svg of all systems; ``rules`` is grey. Raises OSError where it cannot be written."""
    systems = list(_systems(scores))

    def fill(figure: Figure) -> None:
        (f1, curve), (parts, reliability) = figure.subplots(2, 2, height_ratios=(1, 1.25))
        _draw_f1(f1, systems)
        _draw_curve(curve, systems)
        _draw_parts(parts, systems)
        _draw_reliability(reliability, systems)
        _head(figure, systems, title)

    draw(path, (11.5, 8.5 + 0.8 * max(0, len(systems) - 3)), fill)


def _systems(scores: Mapping[str, Scores]) -> Iterator[_Drawn]:
    """The baseline is grey, the others have a colour each."""
    others = 0
    for row, (name, own) in enumerate(scores.items()):
        # Twice as far from the next row's systems as from each other.
        offset = ((len(scores) - 1) / 2 - row) / (len(scores) + 1)
        if name == _BASELINE:
            yield _Drawn(name, own, GREY, "X", offset)
        else:
            yield _Drawn(name, own, COLOURS[others % len(COLOURS)], MARKS[others % len(MARKS)], offset)
            others += 1


def _head(figure: Figure, systems: list[_Drawn], title: str) -> None:
    first = systems[0].scores
    facts = f"{title}: {first.articles} articles, {first.gold} quotations"
    figure.suptitle(facts, x=0.015, ha="left", fontsize=13, weight="bold")
    keys = [
        Line2D([], [], color=system.colour, marker=system.mark, linewidth=2, markersize=7, label=system.name)
        for system in systems
    ]
    columns = max(1, min(len(keys), 130 // (max(len(system.name) for system in systems) + 8)))
    figure.legend(handles=keys, loc="outside lower left", ncols=columns, fontsize=10)


def _draw_f1(axes: Axes, systems: list[_Drawn]) -> None:
    for row, measure in enumerate(reversed(_MEASURES)):
        for system in systems:
            found = getattr(system.scores, measure)
            y = row + system.offset
            axes.plot([found.low, found.high], [y, y], color=system.colour, linewidth=2.5, solid_capstyle="round")
            axes.plot(found.f1, y, system.mark, color=system.colour, markersize=8, markeredgecolor="white")
            axes.text(1.02, y, f"{found.f1:.3f}", color=system.colour, va="center", weight="bold", clip_on=False)
    axes.set_yticks(range(len(_MEASURES)), list(reversed(_MEASURES.values())))
    axes.set_ylim(-0.55, len(_MEASURES) - 0.45)
    lowest = min(getattr(system.scores, measure).low for system in systems for measure in _MEASURES)
    axes.set_xlim(max(0.0, int(lowest * 10 - 0.5) / 10), 1.0)
    axes.set_title("F1, with 95% intervals")
    axes.tick_params(axis="y", labelcolor=INK)
    bare(axes, grid="x")


def _draw_curve(axes: Axes, systems: list[_Drawn]) -> None:
    axes.axhline(_WANTED, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    lowest = 0.8
    for row, system in enumerate(_confident(systems)):
        curve = system.scores.calibration.curve
        lowest = min(lowest, *(point.precision for point in curve if point.coverage >= 0.05))
        axes.plot(*zip(*((p.coverage, p.precision) for p in curve), strict=True), color=system.colour, linewidth=2)
        if accepted := system.scores.calibration.at_precision(_WANTED):
            x, y = accepted.coverage, accepted.precision
            axes.vlines(x, 0, y, color=system.colour, linewidth=1, linestyle=(0, (1, 2)))
            axes.plot(x, y, system.mark, color=system.colour, markersize=9, markeredgecolor="white", zorder=3)
            # At the foot, a line each: the curves are close where they cross 95%.
            axes.annotate(
                f"{x:.0%}",
                xy=(x, 0),
                xycoords=axes.get_xaxis_transform(),
                xytext=(4, 6 + 13 * row),
                textcoords="offset points",
                color=system.colour,
                weight="bold",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            )
    axes.set_xlim(0, 1)
    axes.set_ylim(max(0.0, int(lowest * 10 - 0.5) / 10), 1.004)
    axes.set_title(f"What may be accepted unseen, {_WANTED:.0%} right")
    axes.set_xlabel("accepted, the surest first")
    axes.set_ylabel("of these right (who said what)")
    _percent(axes)


def _draw_reliability(axes: Axes, systems: list[_Drawn]) -> None:
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=(0, (4, 3)))
    keys = []
    for system in _confident(systems):
        calibration = system.scores.calibration
        most = max(found.predictions for found in calibration.bins)
        x, y = [found.confidence for found in calibration.bins], [found.right for found in calibration.bins]
        sizes = [25 + 125 * found.predictions / most for found in calibration.bins]
        axes.plot(x, y, color=system.colour, linewidth=1.5, alpha=0.6)
        axes.scatter(x, y, sizes, system.colour, marker=system.mark, edgecolors="white", clip_on=False, zorder=3)
        label = f"expected error (ECE) {calibration.error:.3f}"
        keys.append(Line2D([], [], color=system.colour, marker=system.mark, linewidth=0, markersize=7, label=label))
    if keys:
        axes.legend(handles=keys, loc="best", labelcolor="linecolor")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_title("Confidence against what came true")
    axes.set_xlabel("confidence (larger marks: more predictions)")
    axes.set_ylabel("right (who said what)")
    _percent(axes)


def _confident(systems: list[_Drawn]) -> list[_Drawn]:
    """Those whose confidence says something: the rules are equally sure of all they find."""
    return [system for system in systems if len(system.scores.calibration.curve) > 1]


def _draw_parts(axes: Axes, systems: list[_Drawn]) -> None:
    """One row a sort that gold has: the line from who said what to found is what wrong speakers cost."""
    labels: dict[float, str] = {}
    y = 0.0
    sorts_by_system = ([own.scores.by_kind, own.scores.by_subject, own.scores.by_type] for own in systems)
    for by_system in zip(*sorts_by_system, strict=True):  # from the bottom up
        for sort, part in reversed(list(by_system[0].items())):
            if part.gold:
                labels[y] = f"{sort} ({part.gold})"
                for system, parts in zip(systems, by_system, strict=True):
                    _draw_part(axes, system, parts[sort], y + system.offset)
                y += 1
        y += 0.5
    axes.set_yticks(list(labels), list(labels.values()))
    axes.set_ylim(-0.6, max(labels, default=0) + 0.6)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1, 0))
    axes.set_title("Recall by type, subject and speaker")
    axes.set_xlabel("hollow: found · filled: found, with the right speaker")
    axes.tick_params(axis="y", labelcolor=INK)
    bare(axes, grid="x")


def _draw_part(axes: Axes, system: _Drawn, part: Part, y: float) -> None:
    axes.plot([part.who_recall, part.recall], [y, y], color=system.colour, linewidth=1.5, alpha=0.5)
    for recall, inside in ((part.recall, "white"), (part.who_recall, system.colour)):
        axes.plot(recall, y, system.mark, color=system.colour, markersize=6, markerfacecolor=inside, clip_on=False)


def _percent(axes: Axes) -> None:
    axes.xaxis.set_major_formatter(PercentFormatter(1, 0))
    axes.yaxis.set_major_formatter(PercentFormatter(1, 0))
    axes.tick_params(length=0)
