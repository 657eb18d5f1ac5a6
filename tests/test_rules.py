from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.evaluation import evaluate
from extractor.gold import read_gold
from extractor.quotation import Quotation, SpeakerKind
from extractor.rules import quotations

GOLD = Path(__file__).parents[1] / ".." / "shared" / "gold"

READINGS = [
    pytest.param(
        "وقال وزير النفط إن الإنتاج مستقر.",
        ("indirect", "وقال", "وزير النفط", "الإنتاج مستقر"),
        id="complementizer",
    ),
    pytest.param(
        "وأكدت الوزارة أنها تتابع الملف.",
        ("indirect", "وأكدت", "الوزارة", "أنها تتابع الملف"),
        id="complementizer with a pronoun stays",
    ),
    pytest.param(
        "قال الوزير: «سنواصل الدعم لكل المدن».",
        ("direct", "قال", "الوزير", "سنواصل الدعم لكل المدن"),
        id="guillemets after a colon",
    ),
    pytest.param(
        "قال الوزير: ”سنواصل الدعم لكل المدن“.",
        ("direct", "قال", "الوزير", "سنواصل الدعم لكل المدن"),
        id="marks the wrong way round",
    ),
    pytest.param(
        'قال الوزير: "سنواصل الدعم لكل المدن.',
        ("direct", "قال", "الوزير", "سنواصل الدعم لكل المدن"),
        id="a mark that nothing closes",
    ),
    pytest.param(
        'وقال الوزير إن الدعم "سيصل إلى كل المدن" قريبا.',
        ("mixed", "وقال", "الوزير", 'الدعم "سيصل إلى كل المدن" قريبا'),
        id="marks around a part",
    ),
    pytest.param(
        "ودعا الرئيس إلى ضبط النفس.",
        ("indirect", "ودعا", "الرئيس", "ضبط النفس"),
        id="governed preposition",
    ),
    pytest.param(
        "ورحب الاتحاد بالجهود المبذولة.",
        ("indirect", "ورحب", "الاتحاد", "بالجهود المبذولة"),
        id="glued preposition stays",
    ),
    pytest.param("أعلن الجيش مقتل ثلاثة جنود.", ("indirect", "أعلن", "الجيش", "مقتل ثلاثة جنود"), id="object"),
    pytest.param(
        "ارتفعت الأسعار كثيرا، وفقا لمعهد الإحصاء.",
        ("indirect", "وفقا", "معهد الإحصاء", "ارتفعت الأسعار كثيرا"),
        id="attribution after the content",
    ),
    pytest.param(
        "وبحسب البنك المركزي، فإن الأسعار ارتفعت.",
        ("indirect", "وبحسب", "البنك المركزي", "الأسعار ارتفعت"),
        id="attribution before the content",
    ),
    pytest.param(
        "ارتفعت الأسعار كثيرا، حسبما أعلن البنك المركزي.",
        ("indirect", "أعلن", "البنك المركزي", "ارتفعت الأسعار كثيرا"),
        id="two cue words: the verb",
    ),
    pytest.param(
        "وزير النفط: الإنتاج مستقر\nنص الخبر هنا.",
        ("indirect", None, "وزير النفط", "الإنتاج مستقر"),
        id="colon headline",
    ),
]


@pytest.mark.parametrize(("raw", "expected"), READINGS)
def test_reads_one_quotation(raw: str, expected: tuple[str, str | None, str, str]) -> None:
    (quotation,) = quotations(raw)
    assert seen(raw, quotation) == expected


def test_an_omitted_subject_is_the_last_speaker() -> None:
    raw = "وقال ناصر القصبي إن العرض ناجح، مضيفا أن الجمهور كبير. وأضاف أن الموسم طويل."
    found = quotations(raw)
    assert [seen(raw, quotation)[1:] for quotation in found] == [
        ("وقال", "ناصر القصبي", "العرض ناجح"),
        ("مضيفا", None, "الجمهور كبير"),
        ("وأضاف", None, "الموسم طويل"),
    ]
    assert {quotation.speaker.name for quotation in found if quotation.speaker} == {"ناصر القصبي"}


def test_a_short_name_is_the_speaker_that_was_named_in_full() -> None:
    raw = "وقال ناصر القصبي إن العرض ناجح. وقالت الوزارة إنها سعيدة. وأكد القصبي أن الموسم طويل."
    speakers = [quotation.speaker for quotation in quotations(raw)]
    assert [speaker.name for speaker in speakers if speaker] == ["ناصر القصبي", "الوزارة", "ناصر القصبي"]
    assert speakers[1] is not None
    assert speakers[1].kind is SpeakerKind.ORGANIZATION


@pytest.mark.parametrize(
    "raw", ["", "\n\n", "بحث الجانبان التعاون.", 'صفقة "القرن" في المدينة.', "قال", "وقال:", "«", "أكد أن"]
)
def test_finds_nothing_where_nothing_is_said(raw: str) -> None:
    assert quotations(raw) == []


PIECES = st.sampled_from(':«»"“”.،ـ \n\u200f\u00a0😀') | st.sampled_from(
    [
        "وقال",
        "الوزير",
        "إن",
        "أنه",
        "وفقا",
        "حسبما",
        "مؤكدا",
        "أعلن",
        "بـ",
        "لل",
        "كلمة",
        "ثلاث كلمات هنا",
        "3.9",
        "ً",
    ]
)


@given(st.lists(PIECES, max_size=60).map(" ".join) | st.lists(PIECES, max_size=60).map("".join) | st.text())
def test_spans_lie_in_any_text_with_clean_edges(raw: str) -> None:
    for quotation in quotations(raw):
        spans = [*quotation.content, *filter(None, (quotation.cue, quotation.source))]
        for span in spans:
            assert span.end <= len(raw)
            assert span.of(raw) == span.of(raw).strip().strip(".،,:؛")


@pytest.mark.skipif(not GOLD.exists(), reason="the shared gold articles are not here")
def test_beats_a_simpler_baseline_on_the_development_articles() -> None:
    gold = list(read_gold(GOLD / "dev.jsonl"))
    scores = evaluate(gold, {article.document.id: quotations(article.document.raw) for article in gold})
    assert scores.found.f1 > 0.75
    assert scores.exact.f1 > 0.58
    assert scores.who.f1 > 0.63


def seen(raw: str, quotation: Quotation) -> tuple[str, str | None, str | None, str]:
    (content,) = quotation.content
    cue, source = (span.of(raw) if span else None for span in (quotation.cue, quotation.source))
    return quotation.type.value, cue, source, content.of(raw)
