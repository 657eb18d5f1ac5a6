"""Scores as tables on a terminal: what decides, what is certain of a difference, and where the errors are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from extractor.bootstrap import DRAWS, Difference, Measure
from extractor.evaluation import COMPARED, OutletScores, Part, Scores

ScoresBySystem = Mapping[str, Scores]

_ISOLATE, _END = "\u2068", "\u2069"


def scores_table(scores: ScoresBySystem) -> Table:
    """One row a system; F1 with its interval, and shares of the quotations found."""
    view = _table("F1 [95% interval], and shares of the quotations found", "system")
    _numbers(view, "found", "exact", "who", "speaker", "omitted", "type", "cue", "ECE", "at 95%")
    for system, own in scores.items():
        shares = (
            own.speaker,
            own.speaker_omitted,
            own.type_accuracy,
            own.cue_accuracy,
            own.calibration.error,
            own.calibration.acceptable(0.95),
        )
        view.add_row(_name(system), *map(_with_interval, (own.found, own.exact, own.who)), *map(_plain, shares))
    return view


def differences_table(reference: str, found: Mapping[str, Sequence[Difference]]) -> Table:
    """One row a system: its F1 less that of ``reference``."""
    view = _table("", "system")
    view.title = Text.assemble("F1 less that of ", _name(reference), " [95% interval] p, by paired bootstrap")
    _numbers(view, *COMPARED)
    for system, differences in found.items():
        view.add_row(_name(system), *map(_with_probability, differences))
    return view


def details(scores: ScoresBySystem) -> list[Table]:
    """Spans, parts, outlets, and what may be trusted; systems side by side where there are many rows."""
    return [_spans(scores), _parts(scores), _outlets(scores), _trust(scores)]


def _spans(scores: ScoresBySystem) -> Table:
    view = _table("Spans: F1 where they are equal, overlap by half, or by the share of words in common", "system")
    _numbers(view, *(f"{role} {how}" for role in ("content", "cue", "source") for how in ("exact", "overlap", "words")))
    for system, own in scores.items():
        measures = (
            *(own.exact, own.found, own.proportional),
            *(own.cue_exact, own.cue_overlap, own.cue_proportional),
            *(own.source_exact, own.source_overlap, own.source_proportional),
        )
        view.add_row(_name(system), *(_plain(measure.f1) for measure in measures))
    return view


def _parts(scores: ScoresBySystem) -> Table:
    view = _table("Recall of gold quotations: found / with the right speaker / right of those found", "sort")
    _numbers(view, "gold", *map(_name, scores))
    for by_system in zip(*([own.by_type, own.by_subject, own.by_kind] for own in scores.values()), strict=True):
        view.add_section()
        for sort, part in by_system[0].items():
            view.add_row(sort, str(part.gold), *(_part(parts[sort]) for parts in by_system))
    return view


def _outlets(scores: ScoresBySystem) -> Table:
    view = _table("Outlets: F1 found / who [95% interval]", "outlet")
    _numbers(view, "articles", "gold", *map(_name, scores))
    by_system = [own.by_outlet for own in scores.values()]
    for outlet, first in by_system[0].items():
        cells = (_outlet(outlets[outlet]) for outlets in by_system)
        view.add_row(_name(outlet), str(first.articles), str(first.quotations), *cells)
    return view


def _trust(scores: ScoresBySystem) -> Table:
    view = _table("What may be accepted unseen, and false alarms on articles without quotations", "system")
    _numbers(view, "ECE", "at 95%", "from confidence", "articles", "with false alarms", "false alarms")
    for system, own in scores.items():
        point, alarms = own.calibration.at_precision(0.95), own.false_alarms
        view.add_row(
            _name(system),
            _plain(own.calibration.error),
            _plain(own.calibration.acceptable(0.95)),
            _plain(point.threshold) if point else "–",
            *map(str, (alarms.articles, alarms.disturbed, alarms.quotations)),
        )
    return view


def _table(title: str, first: str) -> Table:
    view = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, header_style="dim")
    view.add_column(first)
    return view


def _numbers(view: Table, *headings: str | Text) -> None:
    for heading in headings:
        view.add_column(heading, justify="right")


def _name(name: str) -> Text:
    """Never read as markup. What is not Latin is an isolate, or a terminal would mix it with the next cell's."""
    return Text(name if name.isascii() else f"{_ISOLATE}{name}{_END}")


def _plain(share: float) -> str:
    return f"{share:.3f}"


def _with_interval(measure: Measure) -> Text:
    # Without spaces within the interval: where columns are narrow, it goes under the number as a whole.
    return Text(f"{measure.f1:.3f} [{measure.low:.3f}–{measure.high:.3f}]")


def _with_probability(found: Difference) -> Text:
    least = 2 / DRAWS
    p = f"<{least:.3f}" if found.p < least else f"{found.p:.3f}"
    return Text(f"{found.difference:+.3f} [{found.low:+.3f}, {found.high:+.3f}] {p}")


def _part(part: Part) -> str:
    if not part.gold:
        return "–"
    accuracy = _plain(part.speaker_accuracy) if part.found else "–"
    return f"{part.recall:.3f} / {part.who_recall:.3f} / {accuracy}"


def _outlet(outlet: OutletScores) -> Text:
    return Text(f"{outlet.found.f1:.3f} / ") + _with_interval(outlet.who)
