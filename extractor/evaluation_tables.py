"""Scores as tables that 80 columns hold: what decides, how certain a difference is, and where the errors are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from extractor.bootstrap import DRAWS, Difference, Measure
from extractor.evaluation import OutletScores, Part, Scores

ScoresBySystem = Mapping[str, Scores]

_ISOLATE, _END = "\u2068", "\u2069"


def summary(scores: ScoresBySystem) -> list[Table]:
    """One row a system: F1 with its interval, then shares of the quotations found and what confidence is worth."""
    f1 = _table("F1 [95% interval]", "system")
    _numbers(f1, "found", "exact", "who")
    shares = _table("Shares right of those found; ECE; share accepted unseen at 95%", "system")
    _numbers(shares, "speaker", "omitted", "type", "cue", "ECE", "at 95%")
    for system, own in scores.items():
        f1.add_row(_name(system), *map(_with_interval, (own.found, own.exact, own.who)))
        right = (own.speaker, own.speaker_omitted, own.type_accuracy, own.cue_accuracy)
        trust = (own.calibration.error, own.calibration.acceptable(0.95))
        shares.add_row(_name(system), *(f"{share:.3f}" for share in (*right, *trust)))
    return [f1, shares]


def differences_table(reference: str, found: Mapping[str, Sequence[Difference]]) -> Table:
    """Of each system, its F1 less that of ``reference``."""
    view = _table(Text.assemble("F1 less that of ", _name(reference), ", by paired bootstrap"), "system", "measure")
    _numbers(view, "difference", "95% interval", "p")
    for system, differences in found.items():
        view.add_section()
        for name, one in zip(_once(system), differences, strict=False):
            interval = Text(f"[{one.low:+.3f}, {one.high:+.3f}]")
            view.add_row(name, one.measure, f"{one.difference:+.3f}", interval, _probability(one))
    return view


def details(scores: ScoresBySystem) -> list[Table]:
    """Spans, parts, outlets, and what may be trusted; where there are many rows, the systems are columns."""
    return [_spans(scores), _parts(scores), _outlets(scores), _trust(scores)]


def _spans(scores: ScoresBySystem) -> Table:
    view = _table("F1 of spans: equal, overlapping by half, by the share of words in common", "system", "role")
    _numbers(view, "exact", "overlap", "words")
    for system, own in scores.items():
        roles = {
            "content": (own.exact, own.found, own.proportional),
            "cue": (own.cue_exact, own.cue_overlap, own.cue_proportional),
            "source": (own.source_exact, own.source_overlap, own.source_proportional),
        }
        view.add_section()
        for name, (role, measures) in zip(_once(system), roles.items(), strict=False):
            view.add_row(name, role, *(f"{measure.f1:.3f}" for measure in measures))
    return view


def _parts(scores: ScoresBySystem) -> Table:
    view = _table("Percent: found / with the right speaker, speakers right of those found", "sort")
    _numbers(view, "gold", *map(_name, scores))
    for by_system in zip(*([own.by_type, own.by_subject, own.by_kind] for own in scores.values()), strict=True):
        view.add_section()
        for sort, part in by_system[0].items():
            view.add_row(sort, str(part.gold), *(_part(parts[sort]) for parts in by_system))
    return view


def _outlets(scores: ScoresBySystem) -> Table:
    view = _table("F1 in percent by outlet: found / who [95% interval]", "outlet")
    _numbers(view, "articles", "gold", *map(_name, scores))
    by_system = [own.by_outlet for own in scores.values()]
    for outlet, first in by_system[0].items():
        cells = (_outlet(outlets[outlet]) for outlets in by_system)
        view.add_row(_name(outlet), str(first.articles), str(first.quotations), *cells)
    return view


def _trust(scores: ScoresBySystem) -> Table:
    view = _table("Accepted unseen at 95%, and false alarms on articles without quotations", "system")
    _numbers(view, "accepted", "from confidence", "articles", "disturbed", "false alarms")
    for system, own in scores.items():
        point, alarms = own.calibration.at_precision(0.95), own.false_alarms
        accepted = (f"{point.coverage:.3f}", f"{point.threshold:.3f}") if point else ("0.000", "–")
        counts = map(str, (alarms.articles, alarms.disturbed, alarms.quotations))
        view.add_row(_name(system), *accepted, *counts)
    return view


def _table(title: str | Text, *headings: str) -> Table:
    view = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, header_style="dim")
    view.pad_edge = False
    for heading in headings:
        view.add_column(heading, overflow="fold")
    return view


def _numbers(view: Table, *headings: str | Text) -> None:
    for heading in headings:
        view.add_column(heading, justify="right", overflow="fold")


def _name(name: str) -> Text:
    """Never read as markup. What is not Latin is an isolate, or a terminal would mix it with the next cell's."""
    return Text(name if name.isascii() else f"{_ISOLATE}{name}{_END}")


def _once(system: str) -> Iterable[Text]:
    """For the three rows of a system."""
    return (_name(system), Text(), Text())


def _with_interval(measure: Measure) -> Text:
    return Text(f"{measure.f1:.3f} [{measure.low:.3f}–{measure.high:.3f}]")


def _probability(found: Difference) -> str:
    least = 2 / DRAWS
    return f"<{least:.3f}" if found.p < least else f"{found.p:.3f}"


def _part(part: Part) -> str:
    if not part.gold:
        return "–"
    return f"{_percent(part.recall)} / {_percent(part.who_recall)}, " + (
        _percent(part.speaker_accuracy) if part.found else "–"
    )


def _outlet(outlet: OutletScores) -> Text:
    who = outlet.who
    return Text(f"{_percent(outlet.found.f1)} / {_percent(who.f1)} [{_percent(who.low)}–{_percent(who.high)}]")


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"
