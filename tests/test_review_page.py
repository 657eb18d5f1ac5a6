"""What a reviewer sees and does, in headless Chromium on a real Label Studio."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from extractor.annotation import Annotation
from extractor.document import Document
from extractor.quotation import Quotation, QuotationType, Role, Span, Speaker, SpeakerKind
from models.tables import Purpose, Verdict
from review.interface import set_up
from review.label_studio import Server
from review.tasks import SentRegion, sent, shown
from tests.conftest import REVIEWER
from tests.page import CHROMIUM, ReviewPage, browser_page
from tests.reviewing import Loop, awkward_annotation, gold_annotations

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def page(label_studio: str) -> Iterator[ReviewPage]:
    with browser_page(label_studio) as opened:
        opened.log_in(REVIEWER)
        yield opened


@pytest.fixture
def loop(tmp_path: Path, label_studio: str) -> Loop:
    """The five seed articles and an awkward one, pushed."""
    articles = [*gold_annotations()[:5], awkward_annotation()]
    made = Loop(tmp_path / "extractor.db", Server(label_studio, REVIEWER.token), articles)
    set_up(made.server, made.outbox, Purpose.REVIEW, title=f"Page {tmp_path.name}")
    made.push()
    return made


def open_task(page: ReviewPage, loop: Loop, annotation: Annotation) -> None:
    (found,) = loop.server.find_tasks(loop.project.label_studio_id, [annotation.document.sha256])
    page.open(loop.project.label_studio_id, found.id)


def check_highlights(page: ReviewPage, annotation: Annotation) -> None:
    """Every region that was sent highlights exactly its words."""
    text = shown(annotation.document.raw)
    for region in sent(annotation).regions.values():
        assert without_spaces(page.words(region.id)) == without_spaces(region.span.of(text)), region


def without_spaces(words: str) -> str:
    return re.sub(r"\s", "", words)


def first_of(annotation: Annotation, role: Role, letters: int = 0) -> SentRegion:
    """The first region of that role whose last word is of at least so many letters."""
    regions = (region for region in sent(annotation).regions.values() if region.role is role)
    return next(r for r in regions if len(r.span.of(annotation.document.raw).split()[-1]) >= letters)


def test_highlighted_words_are_the_stored_spans_and_a_change_comes_back(page: ReviewPage, loop: Loop) -> None:
    seed = gold_annotations()[0]
    open_task(page, loop, seed)
    check_highlights(page, seed)

    raw = seed.document.raw
    content = first_of(seed, Role.CONTENT, letters=3)
    last = raw[content.span.start : content.span.end].split()[-1]
    page.select(content.id)
    page.drag_end(content.id, len(last) + 1)
    assert (page.clicks, page.keys) == (2, 0)
    page.submit()
    assert loop.pull().verdicts == {Verdict.CORRECTED: 1}

    (reading,) = loop.reviews.readings()
    expected = content.span.of(raw).removesuffix(last).rstrip()
    changed = reading.annotation.quotations[content.position]
    assert changed.content[content.part].of(raw) == expected
    others = [q for i, q in enumerate(reading.annotation.quotations) if i != content.position]
    assert others == [replace(q, confidence=1.0) for i, q in enumerate(seed.quotations) if i != content.position]
    assert reading.reviewer == REVIEWER.email


def test_a_right_article_is_accepted_by_one_key(page: ReviewPage, loop: Loop) -> None:
    seed = gold_annotations()[1]
    open_task(page, loop, seed)
    check_highlights(page, seed)
    page.submit()
    assert (page.clicks, page.keys) == (0, 1)
    assert loop.pull().verdicts == {Verdict.ACCEPTED: 1}


def test_another_speaker(page: ReviewPage, loop: Loop) -> None:
    seed = gold_annotations()[2]
    open_task(page, loop, seed)
    content = first_of(seed, Role.CONTENT)
    page.select(content.id)
    page.rename_speaker("ناطق باسم الوزارة")
    assert (page.clicks, page.keys) == (2, 3)
    page.submit()
    assert loop.pull().verdicts == {Verdict.CORRECTED: 1}
    (reading,) = loop.reviews.readings()
    speaker = reading.annotation.quotations[content.position].speaker
    assert speaker
    assert speaker.name == "ناطق باسم الوزارة"


def test_no_quotations_is_one_key_and_a_deletion_two(page: ReviewPage, loop: Loop) -> None:
    nothing, fewer = gold_annotations()[3:5]
    open_task(page, loop, nothing)
    page.press("8")
    page.submit()
    open_task(page, loop, fewer)
    content = first_of(fewer, Role.CONTENT)
    page.select(content.id)
    page.delete()
    page.submit()
    assert (page.clicks, page.keys) == (1, 2)
    assert loop.pull().verdicts == {Verdict.NO_QUOTATIONS: 1, Verdict.CORRECTED: 1}
    left = {len(reading.annotation.quotations) for reading in loop.reviews.readings()}
    assert left == {0, len(fewer.quotations) - 1}


def test_emoji_diacritics_and_markup(page: ReviewPage, loop: Loop) -> None:
    """All is where it belongs, but an end that is dragged: Label Studio moves it by one for each emoji before it in
    the region. Two of them take it into the next word, which is flagged."""
    awkward = awkward_annotation()
    open_task(page, loop, awkward)
    check_highlights(page, awkward)
    content = next(r for r in sent(awkward).regions.values() if r.position == 1 and r.role is Role.CONTENT)
    page.select(content.id)
    page.drag_end(content.id, len(" قريبا"))
    page.submit()
    assert loop.pull().verdicts == {Verdict.CORRECTED: 1}
    (reading,) = loop.reviews.readings()
    (trouble,) = loop.reviews.troubles()
    assert reading.annotation.quotations[1].content[0].of(awkward.document.raw) == "الأسعار 😀😀 &lt;ستنخفض&gt; ق"
    assert (trouble.trouble.fault, trouble.trouble.quarantined) == ("cuts a word", False)


def test_a_quotation_is_drawn_by_hand(page: ReviewPage, tmp_path: Path, label_studio: str) -> None:
    document = Document("d", "عاجل: خبر\nوقال الوزير إن الأسعار ستنخفض غدا.\n😀 صرح مدير الشركة بأن العمل مستمر.")
    known = Quotation(QuotationType.INDIRECT, (Span(25, 41),), cue=Span(10, 14))
    loop = Loop(
        tmp_path / "extractor.db", Server(label_studio, REVIEWER.token), [Annotation(document, "starter", (known,))]
    )
    set_up(loop.server, loop.outbox, Purpose.REVIEW, title=f"Drawn {tmp_path.name}")
    loop.push()
    (found,) = loop.server.find_tasks(loop.project.label_studio_id, [document.sha256])
    page.open(loop.project.label_studio_id, found.id)
    page.draw("2", "صرح")
    page.draw("3", "مدير الشركة")
    page.draw("1", "العمل مستمر")
    page.click("5:Content")
    page.join("3:Cue")
    page.click("5:Content")
    page.join("4:Source")
    assert (page.clicks, page.keys) == (7, 5)
    page.submit()
    loop.pull()
    (reading,) = loop.reviews.readings()
    drawn = reading.annotation.quotations[1]
    assert [drawn.content[0].of(document.raw), drawn.cue and drawn.cue.of(document.raw)] == ["العمل مستمر", "صرح"]
    assert drawn.speaker == Speaker("مدير الشركة", SpeakerKind.PERSON, ("مدير الشركة",))
    assert loop.reviews.troubles() == []


def test_a_type_by_one_letter_and_a_skip(page: ReviewPage, loop: Loop) -> None:
    seed = gold_annotations()[1]
    open_task(page, loop, seed)
    content = first_of(seed, Role.CONTENT)
    page.select(content.id)
    page.press("m")
    page.press("g")
    page.submit()
    assert (page.clicks, page.keys) == (1, 3)
    page.open_stream(loop.project.label_studio_id)
    page.skip()
    assert loop.pull().verdicts == {Verdict.CORRECTED: 1, Verdict.SKIPPED: 1}
    (reading,) = loop.reviews.readings()
    changed = reading.annotation.quotations[content.position]
    assert changed.type is QuotationType.MIXED
    assert changed.speaker
    assert changed.speaker.kind is SpeakerKind.GROUP
