"""Documents in, quotations out: whole articles, seams, pages, and many documents."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from extractor import Document, Quotation, QuotationType
from extractor.annotation import Annotation
from extractor.article import stories
from extractor.checkpoint import load_checkpoint
from extractor.checkpoint_folder import CheckpointError
from extractor.gold import GoldArticle
from extractor.passages import lines, split_words, windows
from extractor.pipeline import Extractor
from tests.stories import (
    ADDED,
    ANNOUNCED,
    CALLED,
    LONG,
    MANY_PLAIN,
    PLAIN,
    QUOTED,
    RECALLED,
    SPOKE,
    TOLD,
    WRITTEN,
    Told,
    article,
    articles,
)


def contents(raw: str, quotations: list[Quotation] | tuple[Quotation, ...]) -> list[tuple[str, ...]]:
    return [tuple(span.of(raw) for span in quotation.content) for quotation in quotations]


def test_three_lines_are_all_it_takes(trained_checkpoint: Path) -> None:
    from extractor import Extractor

    extractor = Extractor.load(trained_checkpoint)
    quotations = extractor.quotations(SPOKE.text)

    (quotation,) = quotations
    assert quotation.speaker is not None
    assert quotation.speaker.name == "سامر الحلبي"


def test_a_quotation_has_all_its_parts(trained: Extractor) -> None:
    told = article("all", [SPOKE, ADDED, *TOLD[1:]])
    raw = told.document.raw
    found = trained.quotations(raw)
    assert contents(raw, found) == contents(raw, sorted(told.quotations, key=lambda quotation: quotation.content))
    for quotation, expected in zip(found, told.quotations, strict=True):
        assert quotation.cue == expected.cue
        assert quotation.source == expected.source
        assert quotation.type is expected.type
        assert quotation.speaker is not None
        assert expected.speaker is not None
        assert quotation.speaker.name == expected.speaker.name
        assert quotation.speaker.kind is expected.speaker.kind
        assert 0.5 < quotation.confidence <= 1
    via = {quotation.via.name for quotation in found if quotation.via}
    assert via == {"وكالة الشمال"}


def windows_of(extractor: Extractor, folder: Path, raw: str) -> int:
    checkpoint = load_checkpoint(folder)
    pieces = [len(ids) for ids in checkpoint.pieces.of(split_words(raw, lines(raw)).texts)]
    return len(windows(pieces, checkpoint.tagger.window_pieces))


@pytest.mark.parametrize("told", [RECALLED, SPOKE, QUOTED], ids=["long", "short", "direct"])
def test_no_quotation_is_cut_or_doubled_wherever_a_seam_falls(
    told: Told, trained: Extractor, trained_checkpoint: Path
) -> None:
    """The same paragraph at every distance from the seams of a long article."""
    for before in range(0, 18, 2):
        made = article("seam", [*MANY_PLAIN[:before], told, *MANY_PLAIN[before : before + 14]])
        raw = made.document.raw
        assert windows_of(trained, trained_checkpoint, raw) > 1
        (quotation,) = trained.quotations(raw)
        assert quotation.content == made.quotations[0].content
        assert quotation.source == made.quotations[0].source


def test_a_content_longer_than_the_overlap_of_windows_is_read_again(
    trained: Extractor, trained_checkpoint: Path
) -> None:
    """No window of the first reading holds both the cue and the whole content in each of these places."""
    checkpoint = load_checkpoint(trained_checkpoint)
    limit = checkpoint.tagger.window_pieces
    cut = 0
    for before in range(1, 14):
        made = article("long", [*MANY_PLAIN[:before], RECALLED, *MANY_PLAIN[before : before + 20]])
        raw = made.document.raw
        words = split_words(raw, lines(raw))
        pieces = [len(ids) for ids in checkpoint.pieces.of(words.texts)]
        content = words.covering(made.quotations[0].content[0])
        assert content is not None
        assert sum(pieces[content[0] : content[1]]) > 0.4 * limit
        cue = words.texts.index("وروى")
        owner = next(w for w in windows(pieces, limit) if w.owns_from <= cue < w.owns_to)
        cut += owner.end < content[1]
        assert contents(raw, trained.quotations(raw)) == [(LONG,)]
    assert cut > 0


def test_a_long_article_with_many_quotations(trained: Extractor) -> None:
    """Each paragraph once: a page that holds one twice is another test's."""
    paragraphs: list[Told | str] = []
    for i, told in enumerate([*TOLD, ADDED]):
        paragraphs += [*MANY_PLAIN[4 * i : 4 * i + 4], told]
    made = article("many", paragraphs)
    assert contents(made.document.raw, trained.quotations(made.document.raw)) == contents(
        made.document.raw, made.quotations
    )


def test_a_paragraph_that_the_page_repeats_is_told_once(trained: Extractor) -> None:
    made = article("page", [SPOKE, PLAIN[0], QUOTED, PLAIN[1], SPOKE, PLAIN[2]])
    raw = made.document.raw
    first, second = trained.quotations(raw)
    assert first.content == made.quotations[0].content
    assert first.repeats == (made.quotations[2].content,)
    assert [span.of(raw) for place in first.repeats for span in place] == [span.of(raw) for span in first.content]
    assert second.content == made.quotations[1].content
    assert second.repeats == ()


def test_a_second_article_on_the_page_reads_as_it_would_alone(trained: Extractor) -> None:
    """With speakers of its own: its omitted subject is not the minister of the article above."""
    above = article("above", [SPOKE, QUOTED, *PLAIN[:2]]).document.raw
    own = "استقبل سكان الوادي مئة طبيب وصلوا إلى المستشفى الكبير بعد أيام طويلة من الانتظار، وسط ترحيب واسع."
    pasted = "\n".join(["مئة طبيب يصلون إلى مستشفى الوادي الكبير", own, ANNOUNCED.text, ADDED.text, PLAIN[2]])
    whole = f"{above}\nاقرأ أيضا\n{pasted}"
    assert len(stories(whole)) == 2
    start = len(whole) - len(pasted)
    below = [q for q in trained.quotations(whole) if q.content[0].start >= start]
    alone = trained.quotations(pasted)
    assert [(c, q.speaker) for c, q in zip(contents(whole, below), below, strict=True)] == [
        (c, q.speaker) for c, q in zip(contents(pasted, alone), alone, strict=True)
    ]
    assert all(q.speaker is None or q.speaker.name != SPOKE.speaker.name for q in below)


@pytest.mark.parametrize("text", ["", " \n\t", "\u200f\u200e", "!!! ؟؟ …", "🙂", "«»", "\ufeff", "\0", "\ud83d"])
def test_a_text_without_words_has_no_quotations(text: str, trained: Extractor) -> None:
    assert trained.quotations(text) == []


def test_a_text_in_another_script_is_no_error(trained: Extractor) -> None:
    assert isinstance(
        trained.quotations("The minister said that production would rise this year. 生産は増える。"), list
    )


def test_a_word_without_end_is_no_error(trained: Extractor) -> None:
    assert trained.quotations(f"{'م' * 20_000} {SPOKE.text}\n{'ه' * 5_000}\n{PLAIN[0]}") is not None


def documents(number: int) -> Iterator[Document]:
    for i in range(number):
        made = next(articles(1, first_seed=i % 12))
        yield Document(f"d{i}", made.document.raw)


def test_many_documents_keep_their_order_and_read_as_alone(trained: Extractor) -> None:
    given = list(documents(70))
    given[3] = Document("d3", "")
    found = list(trained.annotate(given))
    assert [annotation.document for annotation in found] == given
    assert {annotation.checkpoint for annotation in found} == {"by-heart"}
    assert found[3].quotations == ()
    alone = {raw: places(trained.quotations(raw)) for raw in {document.raw for document in given}}
    assert [places(list(a.quotations)) for a in found] == [alone[document.raw] for document in given]


def places(quotations: list[Quotation]) -> list[tuple[object, ...]]:
    return [(q.content, q.cue, q.source, q.speaker, q.via, q.type, q.repeats) for q in quotations]


def test_documents_are_read_as_annotations_are_asked_for(trained: Extractor) -> None:
    taken = 0

    def counted() -> Iterator[Document]:
        nonlocal taken
        for document in documents(1_000_000):
            taken += 1
            yield document

    found = trained.annotate(counted())
    assert taken == 0
    next(found)
    assert 0 < taken < 200


def test_memory_does_not_grow_with_the_input(trained: Extractor) -> None:
    """What Python holds after 200 documents and after 400: the same."""

    def held_after(number: int) -> int:
        for _ in trained.annotate(Document(str(i), SPOKE.text) for i in range(number)):
            pass
        return tracemalloc.get_traced_memory()[0]

    held_after(70)
    tracemalloc.start()
    try:
        few, many = held_after(200), held_after(400)
    finally:
        tracemalloc.stop()
    assert many - few < 100_000


def test_the_least_confidence_is_respected(trained: Extractor, trained_checkpoint: Path) -> None:
    raw = article("all", list(TOLD)).document.raw
    everything = trained.quotations(raw)
    middle = sorted(quotation.confidence for quotation in everything)[len(everything) // 2]
    strict = Extractor.load(trained_checkpoint, device="cpu", precision="float32", min_confidence=middle)
    found = strict.quotations(raw)
    assert 0 < len(found) < len(everything)
    assert all(quotation.confidence >= middle for quotation in found)


def test_both_precisions_find_the_same_of_what_is_known_well(trained: Extractor, trained_checkpoint: Path) -> None:
    half = Extractor.load(trained_checkpoint, device="cpu", precision="bf16")
    raw = article("all", list(TOLD)).document.raw
    assert contents(raw, half.quotations(raw)) == contents(raw, trained.quotations(raw))


def test_quotations_come_in_the_order_of_the_text(talkative: Extractor) -> None:
    for made in articles(6):
        found = talkative.quotations(made.document.raw)
        assert len(found) > 3
        assert [q.content for q in found] == sorted(q.content for q in found)
        assert len({(q.content, q.cue) for q in found}) == len(found)


def test_the_kinds_of_newline_do_not_matter(trained: Extractor) -> None:
    made = article("lines", [SPOKE, ADDED, PLAIN[0], QUOTED])
    expected = contents(made.document.raw, trained.quotations(made.document.raw))
    assert len(expected) == 3
    for newline in ("\r\n", "\r", "\u2028", "\u2029", "\x85", "\n\n\t\n"):
        raw = made.document.raw.replace("\n", newline)
        assert contents(raw, trained.quotations(raw)) == expected


def test_spelling_marks_do_not_matter(trained: Extractor) -> None:
    raw = "وقالَ وَزيرُ الطاقة ســامر الحلبيّ إنّ الإنتاجَ سيرتفعُ\u200f هذا\u00a0العام\u200f."
    (quotation,) = trained.quotations(raw)
    assert contents(raw, [quotation]) == [("الإنتاجَ سيرتفعُ\u200f هذا\u00a0العام",)]
    assert quotation.source is not None
    assert quotation.source.of(raw) == "وَزيرُ الطاقة ســامر الحلبيّ"


def test_types_follow_the_marks(trained: Extractor) -> None:
    types = {contents(QUOTED.text, [q])[0]: q.type for q in trained.quotations(QUOTED.text)}
    assert types == {QUOTED.content: QuotationType.DIRECT}
    types = {contents(WRITTEN.text, [q])[0]: q.type for q in trained.quotations(WRITTEN.text)}
    assert types == {WRITTEN.content: QuotationType.INDIRECT}


def test_annotations_are_of_their_documents(trained: Extractor) -> None:
    known: GoldArticle = article("two", [ANNOUNCED, CALLED])
    (annotation,) = trained.annotate([known.document])
    assert isinstance(annotation, Annotation)
    assert annotation.document is known.document
    assert [q.content for q in annotation.quotations] == [q.content for q in known.quotations]


def test_a_checkpoint_that_is_not_there_is_an_error() -> None:
    with pytest.raises(CheckpointError):
        Extractor.load("/nowhere")
