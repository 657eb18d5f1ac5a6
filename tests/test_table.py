from __future__ import annotations

import unicodedata

import pytest
from rich.cells import cell_len
from rich.console import Console

from extractor.annotation import Annotation
from extractor.cli.table import print_table
from extractor.document import Document
from extractor.quotation import Quotation, QuotationType, Span, Speaker, SpeakerKind

ISOLATE, END = "\u2068", "\u2069"
SAID = "الإنتاج سيرتفع هذا العام في كل حقل من حقول البلاد الشمالية والجنوبية وما بينهما"
RAW = f"عنوان الخبر\nقال الوزير: «{SAID}»، «وسيبقى»."
MINISTER = Speaker("سامر الحلبي", SpeakerKind.PERSON, ("الوزير",))
AGENCY = Speaker("وكالة الشمال", SpeakerKind.ORGANIZATION)


def span(words: str, raw: str = RAW) -> Span:
    return Span(raw.index(words), raw.index(words) + len(words))


QUOTATION = Quotation(
    QuotationType.DIRECT,
    (span(SAID), span("وسيبقى")),
    cue=span("قال"),
    source=span("الوزير"),
    speaker=MINISTER,
    via=AGENCY,
    confidence=0.934,
    repeats=((span("وسيبقى"),),),
)


def shown(annotation: Annotation, width: int = 100) -> str:
    console = Console(width=width, soft_wrap=True)
    with console.capture() as capture:
        print_table(console, annotation)
    return capture.get()


def test_who_said_what_how() -> None:
    table = shown(Annotation(Document("seed-1", RAW), "starter", (QUOTATION,)), width=200)
    heading = next(line for line in table.split("\n") if line)
    assert heading == f"{ISOLATE}seed-1{END}  {ISOLATE}عنوان الخبر{END}"
    row = next(line for line in table.split("\n") if "direct" in line)
    assert "direct 0.93" in row
    assert f"{ISOLATE}سامر الحلبي (عبر وكالة الشمال){END}" in row
    assert f"{ISOLATE}قال{END}" in row
    assert f"{ISOLATE}{SAID} … وسيبقى{END}" in row
    assert "person" in table
    assert "again: 1" in table


@pytest.mark.parametrize("width", [60, 80, 100, 133])
def test_every_line_fits_and_isolates_its_arabic(width: int) -> None:
    table = shown(Annotation(Document("seed-1", RAW), "starter", (QUOTATION,)), width)
    lines = [line for line in table.split("\n") if "│" in line]
    assert len(lines) > 2
    for line in lines:
        assert cell_len(line) == width
        assert line.count("│") == 5
        for cell in line.split("│"):
            assert cell.count(ISOLATE) == cell.count(END)
            outside = "".join(part.rpartition(END)[2] for part in cell.split(ISOLATE))
            assert not any(unicodedata.bidirectional(char) in ("R", "AL") for char in outside)


def test_long_contents_are_wrapped_not_cut() -> None:
    table = shown(Annotation(Document("seed-1", RAW), "starter", (QUOTATION,)), width=60)
    words = {word for line in table.split("\n") for word in line.replace(ISOLATE, " ").replace(END, " ").split()}
    assert set(SAID.split()) <= words


def test_what_would_steer_the_terminal_is_not_shown() -> None:
    raw = "عنوان\x1b[2J\u202e\nقال الوز\u200fير إن الأم\x07ر\tان\ufeffتهى\r\nاليوم"
    speaker = Speaker("الوز\x1b]0;\u202eير", SpeakerKind.PERSON)
    content = Span(raw.index("الأم"), len(raw))
    quotation = Quotation(QuotationType.INDIRECT, (content,), cue=span("قال", raw), speaker=speaker)
    table = shown(Annotation(Document("\u202eid\x1b", raw, title=None), "starter", (quotation,)))
    steering = {char for char in table if unicodedata.category(char)[0] == "C"} - {"\n", ISOLATE, END}
    assert not steering
    assert "الأم ر انتهى اليوم" in table


def test_articles_without_quotations_and_quotations_without_speaker() -> None:
    assert "no quotations" in shown(Annotation(Document("empty", RAW, title="[bold]عنوان[/bold]"), "starter", ()))
    assert "[bold]" in shown(Annotation(Document("empty", RAW, title="[bold]عنوان[/bold]"), "starter", ()))
    alone = Quotation(QuotationType.INDIRECT, (span(SAID),))
    assert f"{ISOLATE}؟{END}" in shown(Annotation(Document("a", RAW), "starter", (alone,)))
