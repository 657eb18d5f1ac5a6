import io
import json
import random
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from extractor import rules
from extractor.annotation import Annotation, annotation_as_dict
from extractor.calibration import calibrate
from extractor.document import Document
from extractor.evaluation import COMPARED, compare, differences, evaluate, read_predictions
from extractor.evaluation_tables import details, differences_table, summary
from extractor.gold import GoldArticle, read_gold
from extractor.matching import match, same_speaker
from extractor.quotation import Quotation, QuotationType, Span, Speaker, SpeakerKind

SHARED = Path(__file__).parents[1] / ".." / "shared" / "gold"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="the shared gold articles are not here")

MINISTER = Speaker("سامي الحداد", SpeakerKind.PERSON, ("وزير النفط سامي الحداد", "الوزير"))
MINISTRY = Speaker("وزارة الصحة", SpeakerKind.ORGANIZATION, ("الوزارة",))
STATEMENT = Speaker("بيان", SpeakerKind.DOCUMENT, ())

FIRST = (
    "وقال وزير النفط سامي الحداد إن الإنتاج مستقر منذ شهر. وأضاف أن التصدير سيزيد قريبا.\n"
    "وأكدت وزارة الصحة: «سنواصل الدعم في كل المدن». وجاء في بيان أن المخازن ممتلئة بالدواء.\n"
    "وقال وزير النفط سامي الحداد إن الإنتاج مستقر منذ شهر."
)
SECOND = "بحث الجانبان التعاون في مجالات عديدة دون تفاصيل."


def made(
    raw: str, content: str, cue: str | None, source: str | None, speaker: Speaker | None, **more: Any
) -> Quotation:
    """A quotation of these words of ``raw``, from position ``after`` on."""
    after = more.pop("after", 0)

    def span(words: str) -> Span:
        start = raw.index(words, after)
        return Span(start, start + len(words))

    return Quotation(
        more.pop("type", QuotationType.INDIRECT),
        (span(content),),
        span(cue) if cue else None,
        span(source) if source else None,
        speaker,
        **more,
    )


COPY = FIRST.rindex("وقال")
GOLD = [
    GoldArticle(
        Document("first", FIRST),
        "daily",
        (
            made(FIRST, "الإنتاج مستقر منذ شهر", "وقال", "وزير النفط سامي الحداد", MINISTER),
            made(FIRST, "التصدير سيزيد قريبا", "وأضاف", None, MINISTER),
            made(
                FIRST,
                "سنواصل الدعم في كل المدن",
                "وأكدت",
                "وزارة الصحة",
                MINISTRY,
                type=QuotationType.DIRECT,
            ),
            made(FIRST, "المخازن ممتلئة بالدواء", "وجاء", "بيان", STATEMENT),
            made(FIRST, "الإنتاج مستقر منذ شهر", "وقال", "وزير النفط سامي الحداد", MINISTER, after=COPY),
        ),
        repeated=frozenset({4}),
    ),
    GoldArticle(Document("second", SECOND), "weekly", ()),
]


def spoken(name: str) -> Speaker:
    return Speaker(name, SpeakerKind.PERSON)


PREDICTED = {
    "first": [
        made(FIRST, "الإنتاج مستقر منذ شهر.", "وقال", "سامي الحداد", spoken("الحَدّاد"), confidence=0.95),
        made(FIRST, "التصدير سيزيد", "وأضاف", None, spoken("وزارة الصحة"), confidence=0.6),
        made(FIRST, "«سنواصل الدعم في كل المدن»", None, "وزارة الصحة", spoken("الوزاره"), confidence=0.9),
        made(FIRST, "ممتلئة", "وجاء", "بيان", spoken("بيان"), confidence=0.3),
        made(FIRST, "الإنتاج مستقر منذ شهر", "وقال", None, spoken("فلان"), after=COPY, confidence=0.9),
    ],
    "second": [made(SECOND, "التعاون في مجالات عديدة", "بحث", "الجانبان", spoken("الجانبان"), confidence=0.2)],
}


def test_scores_of_a_small_example() -> None:
    scores = evaluate(GOLD, PREDICTED)
    assert (scores.articles, scores.gold, scores.predicted) == (2, 4, 5)
    # The figures that the shared scorer gives for the same two files.
    assert rounded(scores.found) == (0.6, 0.75, 0.667)
    assert rounded(scores.exact) == (0.4, 0.5, 0.444)
    assert rounded(scores.who) == (0.4, 0.5, 0.444)
    assert rounded(scores.strict) == (0.4, 0.5, 0.444)
    assert round(scores.type_accuracy, 3) == 0.667
    assert round(scores.cue_accuracy, 3) == 0.667
    assert (scores.speaker_named, scores.speaker_omitted) == (1.0, 0.0)
    assert round(scores.speaker, 3) == 0.667


def test_words_in_common_earn_a_share() -> None:
    scores = evaluate(GOLD, PREDICTED)
    # Predicted words: all but the false alarm's are gold. Gold words found: 4/4, 2/3, 5/5, 1/3.
    assert rounded(scores.proportional)[:2] == (0.8, 0.75)


def test_cues_and_sources_count_where_they_are_given() -> None:
    scores = evaluate(GOLD, PREDICTED)
    assert rounded(scores.cue_exact)[:2] == (0.5, 0.5)
    assert rounded(scores.source_exact)[:2] == (0.25, 0.333)
    assert rounded(scores.source_overlap)[:2] == (0.5, 0.667)
    # A near miss earns no words of its cue and source. Of the minister's four words two were named.
    assert rounded(scores.cue_proportional)[:2] == (0.5, 0.5)
    assert rounded(scores.source_proportional)[:2] == (0.5, 0.5)


def test_breakdowns() -> None:
    scores = evaluate(GOLD, PREDICTED)
    assert [(kind, part.gold, part.found, part.right) for kind, part in scores.by_type.items()] == [
        ("direct", 1, 1, 1),
        ("indirect", 3, 2, 1),
        ("mixed", 0, 0, 0),
    ]
    assert scores.by_subject["omitted"].recall == 1.0
    assert scores.by_subject["omitted"].who_recall == 0.0
    assert scores.by_kind["document"].gold == 1
    assert scores.by_kind["person"].speaker_accuracy == 0.5
    assert round(scores.by_outlet["daily"].found.f1, 3) == 0.75
    assert scores.by_outlet["weekly"].found.f1 == 0.0
    alarms = scores.false_alarms
    assert (alarms.articles, alarms.disturbed, alarms.quotations) == (1, 1, 1)


def test_pairs_tell_what_went_wrong() -> None:
    pairs = match(GOLD[0], PREDICTED["first"])
    assert [(pair.found, pair.exact, pair.right) for pair in pairs] == [
        (True, True, True),
        (True, False, False),
        (True, True, True),
        (False, False, False),
    ]
    near_miss = pairs[3]
    assert near_miss.right_speaker
    assert 0 < near_miss.overlap < 0.5
    assert match(GOLD[1], PREDICTED["second"])[0].gold is None


def test_second_copies_neither_count_nor_cost() -> None:
    copy = GOLD[0].quotations[4]
    without = evaluate(GOLD, {"first": PREDICTED["first"][:4]})
    assert evaluate(GOLD, {"first": [*PREDICTED["first"][:4], copy]}) == without


def test_gold_against_itself_is_perfect_and_nothing_finds_nothing() -> None:
    perfect = evaluate(GOLD, {article.document.id: article.quotations for article in GOLD})
    assert {perfect.found.f1, perfect.strict.f1, perfect.proportional.f1, perfect.source_exact.f1} == {1.0}
    nothing = evaluate(GOLD, {})
    assert (nothing.predicted, nothing.found.f1, nothing.speaker) == (0, 0.0, 0.0)
    with pytest.raises(ValueError, match="no gold"):
        evaluate([], {})


@pytest.mark.parametrize(
    ("said", "same"),
    [
        ("سامي الحداد", True),
        ("الحداد", True),
        ("وسامي الحداد", True),
        ("وزير النفط السابق سامي الحداد", True),
        ("الوزير", True),
        ("سامى الحدّاد", True),
        ("وزير", False),
        ("سامي يوسف", False),
        ("وزارة الصحة", False),
        ("؟", False),
        ("", False),
    ],
)
def test_same_speaker(said: str, same: bool) -> None:
    assert same_speaker(spoken(said), MINISTER) is same


def test_no_speaker_is_right_only_where_there_is_none() -> None:
    assert same_speaker(None, None)
    assert not same_speaker(None, MINISTER)
    assert not same_speaker(MINISTER, None)


def test_interval_holds_the_measure_and_comparison_knows_the_better() -> None:
    articles = [replace(GOLD[0], document=Document(f"a{i}", FIRST)) for i in range(20)]
    rng = random.Random(1)
    good = {article.document.id: article.quotations for article in articles}
    worse = {name: [q for q in quotations if rng.random() < 0.6] for name, quotations in good.items()}
    found = evaluate(articles, worse).found
    assert found.low < found.f1 < found.high
    gain = compare(articles, good, worse)
    assert 0 < gain.low < gain.difference < gain.high
    assert gain.p < 0.01
    loss = compare(articles, worse, good, "found")
    assert loss.difference < 0
    assert compare(articles, worse, worse).p == 1.0
    (all_three,) = differences(articles, {"good": good, "worse": worse}, "worse").values()
    assert [found.measure for found in all_three] == list(COMPARED)
    assert all_three[-1] == gain


def test_calibration() -> None:
    calibration = calibrate([0.9, 0.9, 0.9, 0.9, 0.4], [True, True, True, False, False])
    # One bin of four is off by 0.15, one of one by 0.4.
    assert calibration.error == pytest.approx((4 * 0.15 + 0.4) / 5)
    assert [(p.threshold, p.coverage, p.precision) for p in calibration.curve] == [
        (0.9, 0.8, 0.75),
        (0.4, 1.0, pytest.approx(0.6)),
    ]
    assert [(b.predictions, b.confidence, b.right) for b in calibration.bins] == [
        (1, 0.4, 0.0),
        (4, pytest.approx(0.9), 0.75),
    ]
    assert calibration.acceptable(0.95) == 0.0
    assert calibration.acceptable(0.7) == 0.8
    assert calibrate([], []).acceptable() == 0.0
    with pytest.raises(ValueError, match="1 confidences for 0"):
        calibrate([0.5], [])


def test_predictions_survive_the_file(tmp_path: Path) -> None:
    path = write_predictions(tmp_path / "out.jsonl", GOLD, PREDICTED)
    assert read_predictions(path) == PREDICTED


def test_predictions_are_found_by_the_stem_of_their_path(tmp_path: Path) -> None:
    record = annotation_as_dict(Annotation(Document("other", FIRST, path="news/first.txt"), "rules", ()))
    path = tmp_path / "out.jsonl"
    path.write_text(json.dumps(record), "utf-8")
    assert set(read_predictions(path)) == {"other", "first"}


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text('{"id": "a", "quotations": []}\n{"id": "b"}\n', "utf-8")
    with pytest.raises(ValueError, match="line 2"):
        read_predictions(path)


def test_report_as_json_and_as_a_table() -> None:
    scores = evaluate(GOLD, PREDICTED)
    record = json.loads(json.dumps(scores.as_dict()))
    assert record["found"]["f1"] == pytest.approx(2 / 3)
    assert record["by_type"]["direct"]["recall"] == 1.0
    assert record["acceptable_at_95"] == scores.calibration.acceptable(0.95)
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(*summary({"rules": scores}))
    assert "0.667 [" in console.export_text()


def test_tables_show_every_part_and_names_as_they_are() -> None:
    systems = {"rules": {}, "نسخة [bold]": PREDICTED, "mine": PREDICTED}
    scores = {name: evaluate(GOLD, predicted) for name, predicted in systems.items()}
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(differences_table("mine", differences(GOLD, systems, "mine")), *summary(scores), *details(scores))
    text = console.export_text()
    rows = [line.split() for line in text.split("\n")]
    for sort in (*QuotationType, "named", "omitted", *SpeakerKind, "daily", "weekly"):
        assert any(row[:1] == [sort] for row in rows), sort
    assert "\u2068نسخة [bold]\u2069" in text
    assert ["rules", "found", "-0.667"] in [row[:3] for row in rows]  # they found nothing
    assert ["mine", "0.667", "0.000", "0.667", "0.667", "0.250", "0.400"] in rows
    assert ["mine", "0.400", "0.900", "1", "1", "1"] in rows
    assert ["omitted", "1", "0", "/", "0,", "–", "100", "/", "0,", "0", "100", "/", "0,", "0"] in rows


@needs_shared
@pytest.mark.parametrize("name", ["dev", "seeds"])
@pytest.mark.parametrize("system", ["rules", "perturbed"])
def test_agrees_with_the_shared_scorer(tmp_path: Path, name: str, system: str) -> None:
    gold = list(read_gold(SHARED / f"{name}.jsonl"))
    if system == "rules":
        predicted = {article.document.id: rules.quotations(article.document.raw) for article in gold}
    else:
        predicted = perturbed(gold)
    path = write_predictions(tmp_path / "out.jsonl", gold, predicted)
    assert ours(gold, read_predictions(path)) == theirs(SHARED / f"{name}.jsonl", path)


def ours(gold: Sequence[GoldArticle], predicted: Mapping[str, Sequence[Quotation]]) -> list[str]:
    scores = evaluate(gold, predicted)
    rows = [rounded(measure) for measure in (scores.found, scores.exact, scores.who, scores.strict)]
    accuracies = (
        scores.type_accuracy,
        scores.speaker,
        scores.speaker_named,
        scores.speaker_omitted,
        scores.cue_accuracy,
    )
    recalls = [(part.recall, part.who_recall) for part in scores.by_type.values()]
    return [f"{number:.3f}" for row in [*rows, accuracies, *recalls] for number in row]


def theirs(gold: Path, predicted: Path) -> list[str]:
    """The figures of the shared scorer's report, without its intervals, which draw other articles."""
    command = [sys.executable, str(SHARED / "score.py"), str(gold), str(predicted)]
    report = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return re.findall(r"\b[01]\.\d{3}\b", re.sub(r"\[.*?\]", "", report))


def perturbed(gold: Sequence[GoldArticle]) -> dict[str, list[Quotation]]:
    rng = random.Random(3)
    speakers = [quotation.speaker for article in gold for quotation in article.quotations]

    def change(quotation: Quotation) -> Quotation:
        *head, last = quotation.content
        cut = Span(last.start, max(last.start + 1, last.end - rng.randrange(80)))
        match rng.randrange(6):
            case 0:
                return replace(quotation, content=(*head, cut))
            case 1:
                return replace(quotation, speaker=rng.choice(speakers))
            case 2:
                name = quotation.speaker.name.split()[0] if quotation.speaker else ""
                return replace(quotation, speaker=spoken(name))
            case 3:
                return replace(quotation, cue=rng.choice([None, last]), type=QuotationType.MIXED)
            case 4:
                return replace(quotation, speaker=None, content=(cut,))
        return quotation

    return {
        article.document.id: [change(q) for q in article.quotations for _ in range(rng.randrange(3))]
        for article in gold
    }


def write_predictions(path: Path, gold: Sequence[GoldArticle], predicted: Mapping[str, Sequence[Quotation]]) -> Path:
    annotations = [Annotation(article.document, "made", tuple(predicted[article.document.id])) for article in gold]
    lines = [json.dumps(annotation_as_dict(annotation), ensure_ascii=False) for annotation in annotations]
    path.write_text("\n".join(lines), "utf-8")
    return path


def rounded(measure: Any) -> tuple[float, float, float]:
    return (round(measure.precision, 3), round(measure.recall, 3), round(measure.f1, 3))
