"""How well predicted quotations agree with gold: scores with intervals, and two systems compared."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from extractor.annotation import quotation_from_dict
from extractor.bootstrap import Difference, Measure, Numbers, difference, measures
from extractor.calibration import Calibration, calibrate
from extractor.gold import GoldArticle
from extractor.matching import FOUND_AT, Agreement, Pair, match
from extractor.quotation import Quotation, QuotationType, SpeakerKind

MEASURES = (
    "found",
    "proportional",
    "exact",
    "who",
    "strict",
    "cue_exact",
    "cue_overlap",
    "cue_proportional",
    "source_exact",
    "source_overlap",
    "source_proportional",
)
COMPARED = ("found", "exact", "who")

Predictions = Mapping[str, Sequence[Quotation]]


@dataclass(frozen=True, slots=True)
class Part:
    """The gold quotations of one sort: how many there are, were found, and have the right speaker."""

    gold: int
    found: int
    right: int

    @property
    def recall(self) -> float:
        return self.found / self.gold if self.gold else 0.0

    @property
    def who_recall(self) -> float:
        return self.right / self.gold if self.gold else 0.0

    @property
    def speaker_accuracy(self) -> float:
        """Of those found."""
        return self.right / self.found if self.found else 0.0


@dataclass(frozen=True, slots=True)
class OutletScores:
    articles: int
    quotations: int
    found: Measure
    who: Measure


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """On articles without quotations: how many there are, how many were given some, and how many."""

    articles: int
    disturbed: int
    quotations: int


@dataclass(frozen=True, slots=True)
class Scores:
    """What evaluate measured. Repeated paragraphs count once.

    ``found``: contents overlap by half; ``proportional``: by the share of words in common; ``exact``: equal
    but for punctuation; ``who``: found, with the right speaker; ``strict``: exact, with the right speaker.
    ``cue_…`` and ``source_…``: found, and that span is equal, overlaps by half, or by the share of words in common.
    ``type_accuracy``, ``cue_accuracy`` and ``speaker…`` are shares of the quotations found. ``calibration`` is that
    of ``who``.
    """

    articles: int
    gold: int
    predicted: int
    found: Measure
    proportional: Measure
    exact: Measure
    who: Measure
    strict: Measure
    cue_exact: Measure
    cue_overlap: Measure
    cue_proportional: Measure
    source_exact: Measure
    source_overlap: Measure
    source_proportional: Measure
    type_accuracy: float
    cue_accuracy: float
    by_type: Mapping[str, Part]
    by_subject: Mapping[str, Part]
    by_kind: Mapping[str, Part]
    by_outlet: Mapping[str, OutletScores]
    false_alarms: FalseAlarms
    calibration: Calibration

    @property
    def speaker(self) -> float:
        """Share of the quotations found that have the right speaker."""
        parts = self.by_subject.values()
        return sum(part.right for part in parts) / max(1, sum(part.found for part in parts))

    @property
    def speaker_named(self) -> float:
        """The same where the attribution names its speaker."""
        return self.by_subject["named"].speaker_accuracy

    @property
    def speaker_omitted(self) -> float:
        """The same where the subject is omitted or a pronoun."""
        return self.by_subject["omitted"].speaker_accuracy

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON: every field by its name, and the rates that follow from them."""
        record = asdict(self)
        for name in ("by_type", "by_subject", "by_kind"):
            for key, part in getattr(self, name).items():
                record[name][key] |= {"recall": part.recall, "who_recall": part.who_recall}
                record[name][key]["speaker_accuracy"] = part.speaker_accuracy
        record["speaker"] = self.speaker
        record["speaker_named"] = self.speaker_named
        record["speaker_omitted"] = self.speaker_omitted
        record["acceptable_at_95"] = self.calibration.acceptable(0.95)
        return record


def evaluate(gold: Sequence[GoldArticle], predicted: Predictions) -> Scores:
    """Of the predictions by article id; an article that has none counts as read without finding any.

    Raises ValueError where there is no gold.
    """
    matched = _matched(gold, predicted)
    pairs = [pair for article in matched for pair in article]
    earned = _credits(matched)
    found = [pair for pair in pairs if pair.found]
    cues = [pair for pair in found if pair.gold and pair.gold.cue]
    guesses = [pair for pair in pairs if pair.predicted]
    return Scores(
        articles=len(gold),
        gold=sum(pair.gold is not None for pair in pairs),
        predicted=len(guesses),
        **dict(zip(MEASURES, measures(earned), strict=True)),
        type_accuracy=_share(found, lambda pair: pair.right_type),
        cue_accuracy=_share(cues, lambda pair: pair.cue.exact),
        by_type=_parts(pairs, list(QuotationType), lambda quotation: quotation.type),
        by_subject=_parts(pairs, ["named", "omitted"], lambda quotation: "named" if quotation.source else "omitted"),
        by_kind=_parts(pairs, list(SpeakerKind), _kind),
        by_outlet=_by_outlet(gold, earned),
        false_alarms=_false_alarms(gold, matched),
        calibration=calibrate(
            [pair.predicted.confidence for pair in guesses if pair.predicted],
            [pair.right for pair in guesses],
        ),
    )


def compare(gold: Sequence[GoldArticle], a: Predictions, b: Predictions, measure: str = "who") -> Difference:
    """Whether ``a`` is better than ``b`` in one of MEASURES, by paired bootstrap.

    Raises ValueError for another measure, and where there is no gold.
    """
    which = MEASURES.index(measure)
    ours, theirs = (_credits(_matched(gold, system))[:, which] for system in (a, b))
    return difference(measure, ours, theirs)


def differences(
    gold: Sequence[GoldArticle], systems: Mapping[str, Predictions], reference: str
) -> dict[str, list[Difference]]:
    """Of each other system, its COMPARED measures less those of ``reference``, by paired bootstrap.

    Raises KeyError where there is no such system, and ValueError where there is no gold.
    """
    earned = {name: _credits(_matched(gold, predicted)) for name, predicted in systems.items()}
    theirs = earned.pop(reference)
    columns = [(measure, MEASURES.index(measure)) for measure in COMPARED]
    return {
        name: [difference(measure, ours[:, column], theirs[:, column]) for measure, column in columns]
        for name, ours in earned.items()
    }


def _matched(gold: Sequence[GoldArticle], predicted: Predictions) -> list[list[Pair]]:
    if not gold:
        raise ValueError("no gold articles to evaluate against")
    return [match(article, predicted.get(article.document.id, ())) for article in gold]


def _credits(matched: Sequence[Sequence[Pair]]) -> Numbers:
    """Articles × MEASURES × 4, as bootstrap has it: the sum over an article's pairs."""
    table = np.zeros((len(matched), len(MEASURES), 4))
    for row, pairs in zip(table, matched, strict=True):
        if pairs:
            row += np.sum([_credit(pair) for pair in pairs], axis=0)
    return table


def _credit(pair: Pair) -> list[tuple[float, float, int, int]]:
    """Of each of MEASURES; a near miss earns nothing but the words of its content."""
    cue, source = (pair.cue, pair.source) if pair.found else (Agreement(), Agreement())

    def hit(earned: bool) -> tuple[int, int]:
        return (int(earned), int(earned))

    def given(role: str) -> tuple[int, int]:
        return (int(bool(getattr(pair.predicted, role, None))), int(bool(getattr(pair.gold, role, None))))

    return [
        (*hit(pair.found), *given("content")),
        (pair.content.wanted, pair.content.covered, *given("content")),
        (*hit(pair.exact), *given("content")),
        (*hit(pair.right), *given("content")),
        (*hit(pair.exact and pair.right), *given("content")),
        (*hit(cue.exact), *given("cue")),
        (*hit(cue.overlap >= FOUND_AT), *given("cue")),
        (cue.wanted, cue.covered, *given("cue")),
        (*hit(source.exact), *given("source")),
        (*hit(source.overlap >= FOUND_AT), *given("source")),
        (source.wanted, source.covered, *given("source")),
    ]


def _share(pairs: Sequence[Pair], holds: Callable[[Pair], bool]) -> float:
    return sum(map(holds, pairs)) / len(pairs) if pairs else 0.0


def _parts(pairs: Sequence[Pair], keys: Sequence[str], key_of: Callable[[Quotation], str | None]) -> dict[str, Part]:
    counts = {key: [0, 0, 0] for key in keys}
    for pair in pairs:
        key = key_of(pair.gold) if pair.gold else None
        if key is not None:
            counts[key][0] += 1
            counts[key][1] += pair.found
            counts[key][2] += pair.right
    return {str(key): Part(*count) for key, count in counts.items()}


def _kind(quotation: Quotation) -> str | None:
    return quotation.speaker.kind if quotation.speaker else None


def _by_outlet(gold: Sequence[GoldArticle], earned: Numbers) -> dict[str, OutletScores]:
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for row, article in enumerate(gold):
        rows[article.outlet].append(row)
    scores = {}
    for outlet in sorted(rows):
        own = earned[rows[outlet]]
        measured = dict(zip(MEASURES, measures(own), strict=True))
        quotations = int(own[:, 0, 3].sum())
        scores[outlet] = OutletScores(len(own), quotations, measured["found"], measured["who"])
    return scores


def _false_alarms(gold: Sequence[GoldArticle], matched: Sequence[Sequence[Pair]]) -> FalseAlarms:
    alarms = [len(pairs) for article, pairs in zip(gold, matched, strict=True) if not article.quotations]
    return FalseAlarms(len(alarms), sum(count > 0 for count in alarms), sum(alarms))


def read_predictions(path: Path) -> dict[str, list[Quotation]]:
    """Quotations from the JSON Lines that ``extractor run`` wrote, by article id and by the stem of its path.

    Raises ValueError with the line's number where a record does not fit.
    """
    predictions: dict[str, list[Quotation]] = {}
    # Not splitlines(): it cuts at U+2028 and U+0085, which real articles contain.
    for number, line in enumerate(path.read_text("utf-8").split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            quotations = [quotation_from_dict(item) for item in record["quotations"]]
            names = {record["id"], Path(record.get("path") or "").stem}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}, line {number}: not an annotated article: {error!r}") from error
        predictions |= dict.fromkeys(names - {""}, quotations)
    return predictions
