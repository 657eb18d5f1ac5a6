"""From frames to quotations: speakers of omitted subjects, glued prepositions, doubles, edges."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.attribution import attribute
from extractor.labels import Frame, Range
from extractor.passages import Words, lines, split_words
from extractor.quotation import Quotation, QuotationType, SpeakerKind

PERSON = SpeakerKind.PERSON


def words_of(raw: str) -> Words:
    return split_words(raw, lines(raw))


def place(words: Words, wording: str) -> Range:
    return min(words.occurrences([wording]))


def frame(
    words: Words,
    cue: str,
    *content: str,
    source: str | None = None,
    name: str = "",
    via: str | None = None,
    confidence: float = 1.0,
) -> Frame:
    mention = place(words, source) if source else None
    named = tuple(range(*place(words, name))) if name else ()
    return Frame(
        place(words, cue)[0],
        tuple(place(words, part) for part in content),
        mention,
        via=place(words, via) if via else None,
        kind=PERSON if mention else None,
        name=named,
        confidence=confidence,
    )


def read(raw: str, quotations: Iterable[Quotation]) -> list[tuple[str, ...]]:
    """(speaker's name, content…) of each."""
    return [
        (quotation.speaker.name if quotation.speaker else "", *(span.of(raw) for span in quotation.content))
        for quotation in quotations
    ]


def test_an_omitted_subject_is_who_spoke_last() -> None:
    raw = "قال سامر إن العمل مستمر. وقالت هدى إن الدعم باق. وأضافت أن الوقت ضيق. وتابع سامر أن النهر عميق."
    words = words_of(raw)
    found = attribute(
        raw,
        words,
        [
            frame(words, "وأضافت", "الوقت ضيق"),
            frame(words, "قال", "العمل مستمر", source="سامر", name="سامر"),
            frame(words, "وقالت", "الدعم باق", source="هدى", name="هدى"),
        ],
    )
    assert read(raw, found) == [("سامر", "العمل مستمر"), ("هدى", "الدعم باق"), ("هدى", "الوقت ضيق")]
    assert [quotation.source is None for quotation in found] == [False, False, True]


def test_who_speaks_in_a_headline_is_who_speaks_first_below() -> None:
    raw = "دعوة إلى توفير المياه\nقال سامر إن العمل مستمر."
    words = words_of(raw)
    frames = [frame(words, "دعوة", "توفير المياه"), frame(words, "قال", "العمل مستمر", source="سامر", name="سامر")]
    assert read(raw, attribute(raw, words, frames)) == [("سامر", "توفير المياه"), ("سامر", "العمل مستمر")]


def test_nobody_speaks_where_nobody_is_named() -> None:
    raw = "وأضاف أن الدعم باق."
    words = words_of(raw)
    (quotation,) = attribute(raw, words, [frame(words, "وأضاف", "الدعم باق")])
    assert quotation.speaker is None
    assert quotation.source is None


def test_an_antecedent_names_the_speaker_but_is_no_source() -> None:
    raw = "زار سامر المدينة، وقالت هدى إن الدعم باق، وأضاف أن العمل مستمر."
    words = words_of(raw)
    added = Frame(place(words, "وأضاف")[0], (place(words, "العمل مستمر"),), antecedent=place(words, "سامر"))
    said = frame(words, "وقالت", "الدعم باق", source="هدى", name="هدى")
    found = attribute(raw, words, [said, added])
    assert read(raw, found) == [("هدى", "الدعم باق"), ("سامر", "العمل مستمر")]
    assert found[1].source is None


def test_a_relayer_is_a_speaker_of_its_own() -> None:
    raw = "ونقلت وكالة الشمال عن مصدر طبي أن الجرحى بخير."
    words = words_of(raw)
    (quotation,) = attribute(raw, words, [frame(words, "ونقلت", "الجرحى بخير", source="مصدر طبي", via="وكالة الشمال")])
    assert quotation.speaker is not None
    assert quotation.via is not None
    assert (quotation.speaker.name, quotation.via.name) == ("مصدر طبي", "وكالة الشمال")
    assert quotation.via.kind is SpeakerKind.ORGANIZATION


@pytest.mark.parametrize(
    ("raw", "cue", "source", "expected"),
    [
        ("الأسعار ترتفع، وفقا لوزارة التجارة.", "وفقا", "لوزارة التجارة", "وزارة التجارة"),
        ("الأسعار ترتفع، وفقاً لوزارة التجارة.", "وفقا", "لوزارة التجارة", "وزارة التجارة"),
        ("الأسعار ترتفع، طبقا لـوزارة التجارة.", "طبقا", "لوزارة التجارة", "وزارة التجارة"),
        ("الأسعار ترتفع، استنادا لِوزارة التجارة.", "استنادا", "لوزارة التجارة", "وزارة التجارة"),
        ("الأسعار ترتفع، وفقا للوزارة.", "وفقا", "للوزارة", "للوزارة"),
        ("الأسعار ترتفع، وفق لجنة التجارة.", "وفق", "لجنة التجارة", "لجنة التجارة"),
        ("قالت لجنة التجارة إن الأسعار ترتفع.", "قالت", "لجنة التجارة", "لجنة التجارة"),
    ],
)
def test_the_preposition_of_according_to_stays_out(raw: str, cue: str, source: str, expected: str) -> None:
    words = words_of(raw)
    (quotation,) = attribute(raw, words, [frame(words, cue, "الأسعار ترتفع", source=source)])
    assert quotation.source is not None
    assert quotation.source.of(raw) == expected


def test_of_doubles_the_more_confident_stays() -> None:
    raw = "الأسعار ترتفع هذا العام بسبب الجفاف، وفق ما أعلن سامر."
    words = words_of(raw)
    content = "الأسعار ترتفع هذا العام بسبب الجفاف"
    found = attribute(
        raw,
        words,
        [
            frame(words, "وفق", content, confidence=0.6),
            frame(words, "أعلن", content, source="سامر", name="سامر", confidence=0.9),
            frame(words, "ما", content.removeprefix("الأسعار "), confidence=0.5),
        ],
    )
    assert [quotation.cue.of(raw) for quotation in found if quotation.cue] == ["أعلن"]


def test_a_quotation_inside_another_is_no_double() -> None:
    raw = "قال سامر إن هدى أعلنت وصول مئة طبيب."
    words = words_of(raw)
    outer = frame(words, "قال", "هدى أعلنت وصول مئة طبيب", source="سامر", name="سامر")
    inner = frame(words, "أعلنت", "وصول مئة طبيب", source="هدى", name="هدى")
    assert read(raw, attribute(raw, words, [inner, outer])) == [
        ("سامر", "هدى أعلنت وصول مئة طبيب"),
        ("هدى", "وصول مئة طبيب"),
    ]


def test_contents_that_are_the_same_once_tidied_are_doubles() -> None:
    raw = "النفط: «مستقر»."
    words = words_of(raw)
    with_marks = Frame(1, ((2, 5),), has_cue=False, confidence=0.9)
    without = Frame(2, ((3, 4),), has_cue=False, confidence=0.8)
    assert len(attribute(raw, words, [with_marks, without])) == 1


@pytest.mark.parametrize(
    ("raw", "content", "expected"),
    [
        ("قال: «سنواصل الدعم».", (2, 6), "سنواصل الدعم"),
        ('قال: "سنواصل الدعم".', (1, 7), "سنواصل الدعم"),
        ("قال: سنواصل الدعم.\nنص", (2, 6), "سنواصل الدعم"),
        ("قال إن صحيفة «النهار» توقفت.", (2, 7), "صحيفة «النهار» توقفت"),
        ("قال إن الصحيفة هي «النهار».", (2, 8), "الصحيفة هي «النهار»"),
        ("قال إن الصحيفة هي «النهار».", (2, 6), "الصحيفة هي «النهار»"),
        ("قال إن «النهار» صحيفة.", (2, 7), "«النهار» صحيفة"),
        ('قال إن "النهار" صحيفة.', (2, 6), '"النهار" صحيفة'),
        ("قال: «النهار» و«الليل».", (2, 9), "«النهار» و«الليل»"),
        ('قال: "النهار" و"الليل".', (2, 9), '"النهار" و"الليل"'),
        ("قال: «كتاب «الأيام» عندي».", (2, 9), "كتاب «الأيام» عندي"),
        ("قال إن النسبة 5%.", (2, 6), "النسبة 5%"),
        ("قال إن الحلف (الناتو).", (2, 7), "الحلف (الناتو)"),
        ("قال، إن العمل مستمر؛", (1, 6), "إن العمل مستمر"),
    ],
)
def test_edges_are_tidy(raw: str, content: Range, expected: str) -> None:
    words = words_of(raw)
    (quotation,) = attribute(raw, words, [Frame(0, (content,))])
    assert [span.of(raw) for span in quotation.content] == [expected]


def test_a_content_of_marks_alone_is_no_quotation() -> None:
    raw = "قال: «».\nنعم"
    words = words_of(raw)
    assert attribute(raw, words, [Frame(0, ((1, 6),))]) == []


def test_a_source_of_marks_alone_is_no_source() -> None:
    """As an unsure tagger may well say."""
    raw = "قال سامر إن العمل مستمر.\nنص"
    words = words_of(raw)
    newline = words.texts.index("\n")
    odd = Frame(0, ((3, 5),), (newline, newline + 1), (1, 2), (newline - 1, newline + 1), kind=PERSON, name=(newline,))
    (quotation,) = attribute(raw, words, [odd])
    assert quotation.source is None
    assert quotation.via is None
    assert read(raw, [quotation]) == [("سامر", "العمل مستمر")]


@pytest.mark.parametrize(
    ("raw", "anchor", "cue"),
    [
        ("قال إن العمل مستمر", 0, "قال"),
        ("النفط: العمل مستمر", 1, None),
        ("النفط «العمل مستمر»", 1, None),
        ("الآن العمل مستمر", 2, None),
    ],
)
def test_only_a_word_outside_the_content_is_a_cue(raw: str, anchor: int, cue: str | None) -> None:
    words = words_of(raw)
    (quotation,) = attribute(raw, words, [Frame(anchor, (place(words, "العمل مستمر"),))])
    assert (quotation.cue.of(raw) if quotation.cue else None) == cue


def test_a_quotation_in_two_parts_is_one() -> None:
    raw = "«نحن هنا»، قالت هدى، «ولن نرحل»."
    words = words_of(raw)
    said = frame(words, "قالت", "نحن هنا", "ولن نرحل", source="هدى", name="هدى")
    (quotation,) = attribute(raw, words, [said])
    assert quotation.type is QuotationType.DIRECT
    assert read(raw, [quotation]) == [("هدى", "نحن هنا", "ولن نرحل")]


TEXT = '«نحن هنا»، قالت هدى: "ولن نرحل (أبدا)".\nوأضافت أن 5% من «الناس\nبقوا»، وفقا لوزارة "الصحة" ،،\n'
WORDS = words_of(TEXT)
places = st.tuples(st.integers(0, len(WORDS) - 1), st.integers(1, 9)).map(
    lambda pair: (pair[0], min(pair[0] + pair[1], len(WORDS)))
)


@st.composite
def wild_frame(draw: st.DrawFn) -> Frame:
    """As an untrained tagger could say it: ordered parts, anything else anywhere."""
    edges = draw(st.lists(st.integers(0, len(WORDS)), min_size=2, max_size=6, unique=True).map(sorted))
    content = tuple(zip(edges[::2], edges[1::2], strict=False))
    source, antecedent, via = (draw(st.none() | places) for _ in range(3))
    mention = source or antecedent
    name = tuple(draw(st.lists(st.integers(*mention), unique=True).map(sorted))) if mention else ()
    name = tuple(i for i in name if mention and i < mention[1])
    anchor = draw(st.integers(0, len(WORDS) - 1))
    confidence = draw(st.floats(0, 1))
    kind = draw(st.sampled_from(SpeakerKind)) if mention else None
    return Frame(anchor, content, source, antecedent, via, kind=kind, name=name, confidence=confidence)


@given(st.lists(wild_frame(), max_size=6))
def test_whatever_the_tagger_says_becomes_sound_quotations(frames: list[Frame]) -> None:
    found = attribute(TEXT, WORDS, list({frame.anchor: frame for frame in frames}.values()))
    assert [quotation.content[0].start for quotation in found] == sorted(q.content[0].start for q in found)
    assert len({(quotation.content, quotation.cue) for quotation in found}) == len(found)
    for quotation in found:
        assert all(a.end <= b.start for a, b in pairwise(quotation.content))
        for span in (*quotation.content, quotation.cue, quotation.source):
            if span:
                assert span.of(TEXT) == span.of(TEXT).strip()
                assert any(char.isalnum() for char in span.of(TEXT))
        for speaker in (quotation.speaker, quotation.via):
            assert speaker is None or (speaker.name in TEXT and speaker.name.strip())
