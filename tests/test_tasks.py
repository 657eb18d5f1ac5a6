"""Quotations to Label Studio's JSON and back, without a server."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.annotation import Annotation
from extractor.document import Document
from extractor.quotation import Quotation, QuotationType, Role, Span, Speaker, SpeakerKind
from models.tables import Origin, Verdict
from review.corrections import Correction, read_correction
from review.regions import Fault
from review.tasks import Result, Sent, prediction, sent, shown, task
from tests.reviewing import awkward_annotation, gold_annotations, regions, without

TEXT = "قال الوزير إن الأسعار ستنخفض، وأضاف البيان أن 😀 العمل مستمر \r\n في كل مكان."


@st.composite
def read_articles(draw: st.DrawFn) -> Annotation:
    raw = draw(st.sampled_from([TEXT, TEXT.replace(" ", "\n"), "😀" * 5 + TEXT]))
    names = st.sampled_from(["الوزير", "البيان", "أحمد\nعلي", "جمعة عناد"])
    # One speaker a name and kind, as in one article.
    speakers = st.builds(
        lambda name, kind: Speaker(name, kind, (name, kind.value)), names, st.sampled_from(SpeakerKind)
    )

    def spans(most: int) -> st.SearchStrategy[list[Span]]:
        cuts = st.lists(st.integers(0, len(raw)), min_size=2, max_size=2 * most, unique=True)
        return cuts.map(lambda at: [Span(*sorted(at)[i : i + 2]) for i in range(0, len(at) - 1, 2)])

    one = spans(1).map(lambda found: found[0])
    quotations = st.builds(
        Quotation,
        st.sampled_from(QuotationType),
        spans(3).map(tuple),
        st.none() | one,
        st.none() | one,
        st.none() | speakers,
        st.none() | speakers,
        st.floats(0, 1),
    )
    found = sorted(draw(st.lists(quotations, max_size=5)), key=lambda quotation: quotation.content)
    return Annotation(Document("d", raw), "starter", tuple(found))


def correct(annotation: Annotation, change: Callable[[Result], object] = lambda result: None) -> Correction:
    """What comes back where a reviewer does that to the prediction."""
    result = json.loads(json.dumps(prediction(annotation)["result"]))
    changed = change(result)
    return read_correction(changed if isinstance(changed, list) else result, annotation.document.raw, sent(annotation))


def sure(annotation: Annotation) -> tuple[Quotation, ...]:
    return tuple(replace(quotation, confidence=1.0) for quotation in annotation.quotations)


@given(read_articles())
def test_what_is_accepted_comes_back_as_it_was(annotation: Annotation) -> None:
    correction = correct(annotation)
    assert correction.problems == ()
    assert correction.quotations == sure(annotation)
    assert correction.verdict is (Verdict.ACCEPTED if annotation.quotations else Verdict.NO_QUOTATIONS)
    assert set(correction.origins) <= {(role, Origin.UNTOUCHED) for role in Role}
    assert sum(correction.origins.values()) == len(sent(annotation).regions)


@pytest.mark.parametrize("annotation", [*gold_annotations(), awkward_annotation()], ids=lambda a: a.document.id)
def test_real_articles_come_back_as_they_were(annotation: Annotation) -> None:
    correction = correct(annotation)
    assert (correction.quotations, correction.problems) == (sure(annotation), ())


@given(read_articles(), st.randoms())
def test_every_region_counts_once_whatever_is_deleted(annotation: Annotation, random: Any) -> None:
    def delete_some(result: Result) -> Result:
        for region in [item for item in result if item.get("type") == "labels"]:
            if random.random() < 0.5:
                result = without(result, region["id"])
        return result

    correction = correct(annotation, delete_some)
    if correction.verdict not in (Verdict.REJECTED, Verdict.UNCLEAR):
        assert sum(correction.origins.values()) == len(sent(annotation).regions)


@given(st.text(st.sampled_from("ab\r\n\0😀"), max_size=20))
def test_what_is_shown_is_as_long_as_the_text(raw: str) -> None:
    assert len(shown(raw)) == len(raw)
    assert not set(shown(raw)) & {"\r", "\0"}


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=3),
        lambda x: (
            st.lists(x, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["id", "type", "value", "start", "end", "labels", "from_id", "to_id", "from_name", "choices"]
                ),
                x,
            )
        ),
    )
)
def test_nonsense_is_a_problem_and_never_an_error(result: Any) -> None:
    correction = read_correction(result, TEXT, sent(awkward_annotation()))
    assert correction.verdict in (Verdict.UNCLEAR, Verdict.NO_QUOTATIONS, Verdict.CORRECTED)


def test_a_moved_boundary() -> None:
    annotation = awkward_annotation()

    def shorten(result: Result) -> None:
        last = list(regions(result, "Content"))[-1]
        for item in result:
            if item.get("id") == last["id"]:
                item["value"]["end"] -= len(" قريبا")

    correction = correct(annotation, shorten)
    assert correction.verdict is Verdict.CORRECTED
    assert correction.quotations[1].content[0].of(annotation.document.raw) == "الأسعار 😀😀 &lt;ستنخفض&gt;"
    assert Counter(correction.origins)[Role.CONTENT, Origin.CHANGED] == 1
    assert correction.problems == ()


def test_a_deleted_content_takes_its_cue_and_source_with_it() -> None:
    annotation = awkward_annotation()
    correction = correct(annotation, lambda result: without(result, list(regions(result, "Content"))[-1]["id"]))
    assert correction.quotations == sure(annotation)[:1]
    assert correction.problems == ()
    assert correction.origins == {
        (Role.CONTENT, Origin.UNTOUCHED): 2,
        (Role.CUE, Origin.UNTOUCHED): 1,
        (Role.SOURCE, Origin.UNTOUCHED): 1,
        (Role.CONTENT, Origin.DELETED): 1,
        (Role.CUE, Origin.DELETED): 1,
        (Role.SOURCE, Origin.DELETED): 1,
    }


def test_another_speaker_has_the_words_of_the_source() -> None:
    annotation = awkward_annotation()

    def rename(result: Result) -> None:
        fields = [item for item in result if item.get("from_name") == "speaker"]
        fields[1]["value"]["text"] = ["ليلى"]

    first, second = correct(annotation, rename).quotations
    assert first == sure(annotation)[0]
    assert second.speaker == Speaker("ليلى", SpeakerKind.PERSON, ("الوزير",))


def test_a_content_drawn_by_hand_takes_speaker_and_type_from_the_text() -> None:
    raw = "قال الوزير: «العمل مستمر»."
    result = [
        _region("a", "Content", 13, 24),
        _region("b", "Cue", 0, 3),
        _region("c", "Source", 4, 10),
        {"type": "relation", "from_id": "b", "to_id": "a", "direction": "right"},
        {"type": "relation", "from_id": "a", "to_id": "c", "direction": "right"},
    ]
    annotation = Annotation(Document("d", raw), "starter", ())
    correction = read_correction(result, raw, sent(annotation))
    (quotation,) = correction.quotations
    assert quotation.type is QuotationType.DIRECT
    assert (quotation.cue, quotation.source) == (Span(0, 3), Span(4, 10))
    assert quotation.speaker == Speaker("الوزير", SpeakerKind.PERSON, ("الوزير",))
    assert correction.origins == {(role, Origin.ADDED): 1 for role in Role}


@pytest.mark.parametrize(
    ("chosen", "verdict"),
    [("no quotations", Verdict.NO_QUOTATIONS), ("bad text", Verdict.REJECTED), ("ok", Verdict.ACCEPTED)],
)
def test_what_is_said_of_the_whole_article(chosen: str, verdict: Verdict) -> None:
    def say(result: Result) -> None:
        result[0]["value"]["choices"] = [chosen]

    annotation = awkward_annotation()
    correction = correct(annotation, say)
    assert correction.verdict is verdict
    assert bool(correction.quotations) == (verdict is Verdict.ACCEPTED)
    if verdict is Verdict.NO_QUOTATIONS:
        assert {origin for _, origin in correction.origins} == {Origin.DELETED}


def test_an_empty_result_is_a_true_negative() -> None:
    assert correct(awkward_annotation(), lambda result: []).verdict is Verdict.NO_QUOTATIONS


def test_no_quotations_beside_drawn_regions_is_no_label() -> None:
    def contradict(result: Result) -> None:
        result[0]["value"]["choices"] = ["no quotations"]
        result.append(_region("x", "Content", 0, 5))

    correction = correct(awkward_annotation(), contradict)
    assert correction.verdict is Verdict.UNCLEAR
    assert [problem.fault for problem in correction.problems] == [Fault.CONTRADICTION]


def _region(key: str, label: str, start: Any, end: Any) -> dict[str, Any]:
    value = {"start": start, "end": end, "labels": [label]}
    return {"id": key, "from_name": "span", "to_name": "text", "type": "labels", "value": value}


def _relation(one: str, other: str) -> dict[str, Any]:
    return {"type": "relation", "from_id": one, "to_id": other, "direction": "right"}


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ([_region("x", "Content", 0, 9999)], Fault.OUT_OF_BOUNDS),
        ([_region("x", "Content", 9, 3)], Fault.OUT_OF_BOUNDS),
        ([_region("x", "Content", -1, 3)], Fault.OUT_OF_BOUNDS),
        ([_region("x", "Content", 1, 2)], Fault.BLANK),
        ([_region("x", "Speaker", 0, 3)], Fault.UNKNOWN_LABEL),
        ([_region("x", "Content", "0", 3)], Fault.MALFORMED),
        ([_region("x", "Content", None, None)], Fault.MALFORMED),
        ([_relation("cue-0-3", "nowhere")], Fault.DANGLING_RELATION),
        ([_region("x", "Cue", 2, 6), _region("y", "Source", 7, 9), _relation("x", "y")], Fault.WRONG_PAIR),
        ([_region("x", "Source", 2, 6), "main to x"], Fault.TWO_SOURCES),
        ([_region("x", "Cue", 2, 6), "main to x"], Fault.TWO_CUES),
        ([_region("main", "Content", 2, 6)], Fault.DUPLICATE_ID),
        ([_region("x", "Cue", 2, 6)], Fault.NO_CONTENT),
        ([{"type": "rectangle", "id": "x", "value": {}}], Fault.MALFORMED),
        ([7], Fault.MALFORMED),
    ],
)
def test_what_does_not_fit_is_quarantined_and_the_rest_goes_on(more: list[Any], fault: Fault) -> None:
    annotation = awkward_annotation()

    def add(result: Result) -> None:
        main = next(regions(result, "Content"))["id"]
        for item in more:
            if item == "main to x":
                result.append(_relation(main, "x"))
            else:
                result.append({**item, "id": main} if isinstance(item, dict) and item.get("id") == "main" else item)

    correction = correct(annotation, add)
    assert fault in {problem.fault for problem in correction.problems if problem.quarantined}
    assert set(sure(annotation)) <= set(correction.quotations)
    assert correction.verdict is Verdict.CORRECTED


def test_a_boundary_that_cuts_a_word_is_flagged() -> None:
    """Label Studio moves the end of a region that is resized by one for each emoji before it."""
    annotation = awkward_annotation()

    def drift(result: Result) -> None:
        last = list(regions(result, "Content"))[-1]
        last["value"]["end"] -= 2

    correction = correct(annotation, drift)
    (problem,) = correction.problems
    assert (problem.fault, problem.quarantined) == (Fault.CUTS_WORD, False)
    assert "emoji before it" in problem.detail
    assert len(correction.quotations) == 2


def test_a_span_outside_the_text_is_not_sent() -> None:
    quotation = Quotation(QuotationType.DIRECT, (Span(0, 99),))
    with pytest.raises(ValueError, match="ends outside the text"):
        task(Annotation(Document("d", "short"), "starter", (quotation,)))


def test_a_blind_task_shows_nothing_of_what_was_found() -> None:
    blind = task(awkward_annotation(), blind=True)
    assert blind.keys() == {"data"}
    assert blind["data"].keys() == {"text", "title", "doc_id"}


def test_spaces_that_a_hand_takes_along_are_left_out() -> None:
    raw = "قال الوزير: «العمل مستمر»."
    correction = read_correction([_region("a", "Content", 12, 13), _region("b", "Content", 3, 11)], raw, Sent())
    assert [quotation.content[0] for quotation in correction.quotations] == [Span(4, 11), Span(12, 13)]
