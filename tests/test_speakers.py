"""Which mentions name the same speaker, and by which name the speaker goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.labels import Range
from extractor.passages import Words, lines, split, split_words
from extractor.quotation import SpeakerKind
from extractor.speakers import Mention, Speakers

PERSON, ORGANIZATION, DOCUMENT = SpeakerKind.PERSON, SpeakerKind.ORGANIZATION, SpeakerKind.DOCUMENT


def mention(words: Words, wording: str, name: str = "", kind: SpeakerKind | None = None, nth: int = 0) -> Mention:
    place: Range = sorted(words.occurrences([wording]))[nth]
    named = split(name)
    return Mention(place, tuple(i for i in range(*place) if words.texts[i] in named), kind)


def resolved(raw: str, *given: tuple[str, str] | tuple[str, str, SpeakerKind]) -> list[str]:
    """The name under which each mention goes; a wording given twice is the next of its occurrences."""
    words = split_words(raw, lines(raw))
    seen: dict[str, int] = {}
    mentions = []
    for wording, name, *kind in given:
        mentions.append(mention(words, wording, name, kind[0] if kind else None, seen.get(wording, 0)))
        seen[wording] = seen.get(wording, 0) + 1
    speakers = Speakers(raw, words, mentions)
    return [speakers.of(m.words).name for m in mentions]


@pytest.mark.parametrize(
    ("raw", "mentions", "names"),
    [
        pytest.param(
            "قال وزير الدفاع الأمريكي لويد أوستن إن. وأكد لويد أوستن أن. وأضاف أوستن أن.",
            [("وزير الدفاع الأمريكي لويد أوستن", "لويد أوستن"), ("لويد أوستن", "لويد أوستن"), ("أوستن", "أوستن")],
            ["لويد أوستن"] * 3,
            id="a family name is the whole name",
        ),
        pytest.param(
            "وأضاف أوستن أن. قال وزير الدفاع لويد أوستن إن.",
            [("أوستن", "أوستن"), ("وزير الدفاع لويد أوستن", "لويد أوستن")],
            ["لويد أوستن"] * 2,
            id="the whole name may come later",
        ),
        pytest.param(
            "قال وزير النفط سامر الحلبي إن. وأضاف الوزير أن.",
            [("وزير النفط سامر الحلبي", "سامر الحلبي"), ("الوزير", "")],
            ["سامر الحلبي"] * 2,
            id="a definite description points back",
        ),
        pytest.param(
            "قال وزير النفط سامر الحلبي إن. وقال رئيس البلدية نادر شمس إن. وأضاف الوزير أن. وتابع الرئيس أن.",
            [
                ("وزير النفط سامر الحلبي", "سامر الحلبي"),
                ("رئيس البلدية نادر شمس", "نادر شمس"),
                ("الوزير", ""),
                ("الرئيس", ""),
            ],
            ["سامر الحلبي", "نادر شمس", "سامر الحلبي", "نادر شمس"],
            id="each description to whom it describes",
        ),
        pytest.param(
            "قال وزير النفط سامر الحلبي إن. وقال وزير العدل عادل ناصر إن. وأضاف الوزير أن.",
            [("وزير النفط سامر الحلبي", "سامر الحلبي"), ("وزير العدل عادل ناصر", "عادل ناصر"), ("الوزير", "")],
            ["سامر الحلبي", "عادل ناصر", "عادل ناصر"],
            id="of two the nearest before",
        ),
        pytest.param(
            "قال بشار الأسد إن. وقال ماهر الأسد إن.",
            [("بشار الأسد", "بشار الأسد"), ("ماهر الأسد", "ماهر الأسد")],
            ["بشار الأسد", "ماهر الأسد"],
            id="one family, two people",
        ),
        pytest.param(
            "وجاء في بيان الوزارة أن. وأضاف البيان أن.",
            [("بيان الوزارة", "بيان الوزارة"), ("البيان", "")],
            ["بيان الوزارة"] * 2,
            id="a statement",
        ),
        pytest.param(
            "وأعلنت وزارة الصحة وصول. وأضافت الوزارة أن.",
            [("وزارة الصحة", "وزارة الصحة"), ("الوزارة", "الوزارة")],
            ["وزارة الصحة"] * 2,
            id="a ministry",
        ),
        pytest.param(
            "قالت وزارة الصحة إن. وفقا لوزارة الصحة.",
            [("وزارة الصحة", "وزارة الصحة"), ("لوزارة الصحة", "الصحة")],
            ["وزارة الصحة"] * 2,
            id="a glued preposition",
        ),
        pytest.param(
            "وأضافت السيّدة مُنى إن. وتابعت منى.",
            [("السيدة منى", "منى"), ("منى", "منى")],
            ["مُنى"] * 1 + ["مُنى"],
            id="diacritics do not part",
        ),
        pytest.param(
            "قال وزير الطاقة إن. وقال اتحاد الطاقة إن.",
            [("وزير الطاقة", "وزير الطاقة", PERSON), ("اتحاد الطاقة", "الطاقة", ORGANIZATION)],
            ["وزير الطاقة", "الطاقة"],
            id="a person is no organization",
        ),
        pytest.param(
            "وأضاف الوزير أن. قال وزير النفط إن.",
            [("الوزير", ""), ("وزير النفط", "")],
            ["الوزير", "وزير النفط"],
            id="nobody to point back to",
        ),
    ],
)
def test_who_is_who(raw: str, mentions: list[tuple[str, str]], names: list[str]) -> None:
    assert resolved(raw, *mentions) == names


def test_a_speaker_has_every_wording_once_in_the_order_of_the_text() -> None:
    raw = "قال وزير النفط سامر الحلبي إن. وأضاف الحلبي أن. وأضاف الوزير أن. وأكد الحلبي أن."
    words = split_words(raw, lines(raw))
    mentions = [
        mention(words, "الحلبي", "الحلبي", nth=1),
        mention(words, "الحلبي", "الحلبي", nth=2),
        mention(words, "وزير النفط سامر الحلبي", "سامر الحلبي", PERSON),
        mention(words, "الوزير"),
    ]
    speakers = Speakers(raw, words, mentions)
    speaker = speakers.of(mentions[0].words)
    assert speaker.mentions == ("وزير النفط سامر الحلبي", "الحلبي", "الوزير")
    assert speaker.kind is PERSON
    assert all(speakers.of(m.words) == speaker for m in mentions)


def test_the_kind_is_that_of_most_mentions() -> None:
    raw = "قال سامر الحلبي. وقال الحلبي. وأضاف الحلبي."
    words = split_words(raw, lines(raw))
    mentions = [
        mention(words, "سامر الحلبي", "سامر الحلبي", SpeakerKind.ANONYMOUS),
        mention(words, "الحلبي", "الحلبي", PERSON, nth=1),
        mention(words, "الحلبي", "الحلبي", PERSON, nth=2),
    ]
    assert Speakers(raw, words, mentions).of(mentions[0].words).kind is PERSON


@pytest.mark.parametrize(("wording", "kind"), [("بيان الوزارة", DOCUMENT), ("وكالة الشمال", ORGANIZATION)])
def test_a_kind_that_the_tagger_does_not_give_is_guessed(wording: str, kind: SpeakerKind) -> None:
    words = split_words(wording, lines(wording))
    given = mention(words, wording)
    assert Speakers(wording, words, [given]).of(given.words).kind is kind


@pytest.mark.parametrize(
    ("raw", "wording", "name"),
    [
        ("وفقا لوزارة التجارة.", "لوزارة التجارة", "وزارة التجارة"),
        ("وفقا لـوزارة التجارة.", "لوزارة التجارة", "وزارة التجارة"),
        ("وفقا لِوزارة التجارة.", "لوزارة التجارة", "وزارة التجارة"),
        ("وفقا للوزارة.", "للوزارة", "للوزارة"),
        ("وفقا ﻟﻮﺯﺍﺭﺓ التجارة.", "لوزارة التجارة", "ﻮﺯﺍﺭﺓ التجارة"),
        ("قال الوزير ووزير الدفاع.", "ووزير الدفاع", "وزير الدفاع"),
        ("قال وليد جابر إن.", "وليد جابر", "وليد جابر"),
        ("سلم عليه ﷸ قال.", "وسلم", "ﷸ"),
    ],
)
def test_a_name_has_no_glued_proclitic(raw: str, wording: str, name: str) -> None:
    words = split_words(raw, lines(raw))
    given = mention(words, wording)
    assert Speakers(raw, words, [given]).of(given.words).name == name


def test_a_name_begins_with_its_glued_first_word() -> None:
    raw = "وفقا لوزارة التجارة."
    words = split_words(raw, lines(raw))
    given = mention(words, "لوزارة التجارة", "التجارة")
    assert Speakers(raw, words, [given]).of(given.words).name == "وزارة التجارة"


def test_a_mention_that_was_not_given_is_an_error() -> None:
    raw = "قال الوزير."
    words = split_words(raw, lines(raw))
    with pytest.raises(KeyError):
        Speakers(raw, words, []).of((1, 2))


TEXT = "قال وزير الدفاع لويد أوستن إن الحلف، وأضاف الوزير ووزارة الصحة في بيان: «النهار» بن علي."


@given(st.data())
def test_every_mention_has_a_speaker_who_has_that_mention(data: st.DataObject) -> None:
    words = split_words(TEXT, lines(TEXT))
    solid = [i for i, text in enumerate(words.texts) if text[0].isalnum()]
    mentions = {}
    for first in data.draw(st.lists(st.sampled_from(solid), max_size=6)):
        end = data.draw(st.sampled_from([i + 1 for i in solid if i >= first]))
        name = data.draw(st.lists(st.sampled_from(range(first, end)), unique=True).map(sorted).map(tuple))
        named = tuple(i for i in name if words.texts[i][0].isalnum())
        mentions[first, end] = Mention((first, end), named, data.draw(st.none() | st.sampled_from(SpeakerKind)))
    speakers = Speakers(TEXT, words, list(mentions.values()))
    for given_mention in mentions.values():
        speaker = speakers.of(given_mention.words)
        wordings = words.span(*given_mention.words).of(TEXT)
        # But for a proclitic that is left out and a closing mark that is taken in.
        assert any(wordings[1:] in wording for wording in speaker.mentions)
        assert speaker.name
        assert all(wording in TEXT for wording in (speaker.name, *speaker.mentions))
