from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.article import Paragraph, stories
from extractor.gold import read_gold
from extractor.quotation import Span

SHARED = Path(__file__).resolve().parents[2] / "shared"

HEADLINE = "وزير الري: مخزون السدود يكفي حتى الشتاء"
BODY = (
    "قال وزير الري سامر الحداد، الأحد، إن مخزون السدود يكفي حتى الشتاء، داعيا المزارعين إلى ترشيد السقاية.",
    "وأضاف الحداد، في مؤتمر صحفي عقده في مقر الوزارة: «لن نقطع المياه عن أحد، لكننا لن نقبل الهدر في القرى».",
    "لا تهاون في الترشيد",
    "من جانبها، شككت رئيسة رابطة الفلاحين منى الصباغ في أرقام الوزير، وقالت إن ثلاثة سدود جفت منذ تموز.",
    "وأوضحت أن الرابطة ستعقد اجتماعا طارئا.",
)
SECOND_HEADLINE = "متحف الفخار يفتح أبوابه بعد ترميم دام عامين"
SECOND = (
    "افتتح عمدة البلدة، الثلاثاء، متحف الفخار بعد أعمال ترميم كلفت مليوني دينار، بحضور حرفيين من القرى.",
    "وقال مدير المتحف رامي النجار إن القاعات تضم ستمئة قطعة، وإن الدخول سيبقى مجانيا حتى نهاية العام الجاري.",
)
LINKS = (
    "الأرصاد: أمطار غزيرة مطلع الأسبوع",
    "نائب يتهم الحكومة بإخفاء الحقيقة",
    "لاعبة شابة تحرز ذهبية السباحة في البطولة",
    "خبير اقتصادي: لا خوف على العملة",
)
FURNITURE = (
    "آخر تحديث: 8 غشت 2023 - 12:25 م",
    "الأربعاء - 17 يناير 2024",
    "Wed - 17 Jan 2024",
    "المصدر: شبكة النهر",
    "كتب: نديم الراوي",
    "كلمات دلالية: السدود المياه الري",
    "Your browser does not support the video tag.",
    "شارك الخبر",
    "تابعونا على فيسبوك",
    "جميع الحقوق محفوظة © شبكة النهر",
    "-----------",
)
ARTICLE = (HEADLINE, *BODY)


def page(*lines: str, newline: str = "\n") -> str:
    return newline.join(lines)


def read(raw: str) -> list[list[str]]:
    return [[paragraph.span.of(raw) for paragraph in story.paragraphs] for story in stories(raw)]


def bulleted(lines: tuple[str, ...], bullet: str) -> tuple[str, ...]:
    return tuple(bullet + line for line in lines)


@pytest.mark.parametrize("newline", ["\n", "\n\n", "\r\n", "\u2028", "\u2029"])
def test_a_clean_article_is_one_story_with_all_its_paragraphs(newline: str) -> None:
    assert read(page(*ARTICLE, newline=newline)) == [list(ARTICLE)]


@pytest.mark.parametrize("raw", ["", " \n\u200f\n", "Your browser does not support the video tag."])
def test_a_page_without_an_article_has_no_story(raw: str) -> None:
    assert stories(raw) == []


def test_a_single_line_is_a_story() -> None:
    assert read(HEADLINE) == [[HEADLINE]]


def test_spans_leave_out_the_space_and_marks_around_a_paragraph() -> None:
    assert read(f"\ufeff\u200f  {BODY[0]}\u00a0 \r\n\t{BODY[1]}") == [[BODY[0], BODY[1]]]


@pytest.mark.parametrize("line", FURNITURE)
@pytest.mark.parametrize("place", [1, 3, len(ARTICLE)])
def test_furniture_is_left_out_wherever_it_stands(line: str, place: int) -> None:
    assert read(page(*ARTICLE[:place], line, *ARTICLE[place:])) == [list(ARTICLE)]


@pytest.mark.parametrize(
    "heading",
    ["موضوعات ذات صلة", "اقرأ أيضا", "إقرأ أيضاً:", "شاهد ايضا:", "مقالات مشابهة", "الأكثر قراءة", "قد يعجبك"],
)
@pytest.mark.parametrize("bullet", ["", "- ", "  • ", "* "])
class TestLinks:
    def test_at_the_end(self, heading: str, bullet: str) -> None:
        assert read(page(*ARTICLE, heading, *bulleted(LINKS, bullet))) == [list(ARTICLE)]

    def test_in_the_middle_the_article_goes_on(self, heading: str, bullet: str) -> None:
        raw = page(*ARTICLE[:2], heading, *bulleted(LINKS, bullet), *ARTICLE[2:])
        assert read(raw) == [list(ARTICLE)]

    def test_above_the_article(self, heading: str, bullet: str) -> None:
        raw = page(heading, *bulleted(LINKS, bullet), HEADLINE, FURNITURE[0], *BODY)
        assert read(raw) == [list(ARTICLE)]


@pytest.mark.parametrize(
    "link",
    ["اقرأ أيضا: نائب يتهم الحكومة بالكذب", "قد يهمك.. نائب: الحكومة تكذب", "شاهد أيضاً: نائب: الحكومة تكذب"],
)
def test_a_link_on_one_line_is_left_out(link: str) -> None:
    assert read(page(*ARTICLE[:3], link, *ARTICLE[3:])) == [list(ARTICLE)]


def test_links_that_nothing_announces_are_left_out() -> None:
    assert read(page(*ARTICLE[:2], *LINKS, *ARTICLE[2:])) == [list(ARTICLE)]
    assert read(page(*ARTICLE, *LINKS)) == [list(ARTICLE)]
    assert read(page(*ARTICLE, "مختارات", *bulleted(LINKS, "- "))) == [[*ARTICLE, "مختارات"]]


def test_what_trails_behind_furniture_at_the_end_is_left_out() -> None:
    assert read(page(*ARTICLE, "كلمات دلالية: السدود", "نائب: الحكومة تكذب")) == [list(ARTICLE)]


def test_comments_are_left_out_but_a_link_down_to_them_hides_nothing() -> None:
    assert read(page(*ARTICLE, "التعليقات (2)", "1- زائر: كلام جميل لكن أين التطبيق", "2- سالم: كذب")) == [
        list(ARTICLE)
    ]
    assert read(page(HEADLINE, "التعليقات", *BODY)) == [list(ARTICLE)]


@pytest.mark.parametrize("between", [(), ("بقلم فريق الثقافة",)])
def test_an_article_pasted_under_a_heading_is_a_story_of_its_own(between: tuple[str, ...]) -> None:
    raw = page(
        *ARTICLE,
        "المصدر: شبكة النهر",
        "إقرأ أيضاً:",
        SECOND_HEADLINE,
        *between,
        *SECOND,
        "مقالات مشابهة",
        *LINKS,
    )
    assert read(raw) == [list(ARTICLE), [SECOND_HEADLINE, *SECOND]]


def test_first_sentences_of_other_stories_are_no_story() -> None:
    teasers = (
        SECOND_HEADLINE,
        SECOND[0],
        "ذهبية السباحة للاعبة شابة",
        "أحرزت لاعبة شابة ذهبية السباحة في البطولة المدرسية.",
    )
    assert read(page(*ARTICLE, "أخبار ذات صلة", *teasers)) == [list(ARTICLE)]
    leads = (
        "أعلنت بلدية المرفأ، الخميس، إغلاق الجسر القديم أمام الشاحنات الثقيلة حتى إشعار آخر.",
        "فاز فريق الميناء على ضيفه نادي القلعة بهدفين لهدف في المباراة الختامية للدوري.",
        "كشفت شركة نسيج محلية، الجمعة، عن خطة لفتح ثلاثة مصانع في المحافظات الشرقية.",
        "طالب اتحاد المعلمين وزارة التربية بصرف الرواتب المتأخرة قبل بدء الفصل الدراسي الثاني.",
    )
    assert read(page(*ARTICLE, *leads)) == [list(ARTICLE)]


def test_repeated_paragraphs_are_given_once_with_their_other_places() -> None:
    raw = page(*ARTICLE, FURNITURE[1], BODY[0], BODY[1])
    (story,) = stories(raw)
    assert [paragraph.span.of(raw) for paragraph in story.paragraphs] == list(ARTICLE)
    for text, paragraph in zip(ARTICLE, story.paragraphs, strict=True):
        second = raw.rfind(text)
        once = second == paragraph.span.start
        assert paragraph.repeats == (() if once else (Span(second, second + len(text)),))


def test_a_copy_that_differs_in_spacing_is_passed_over_without_a_place() -> None:
    raw = page(*ARTICLE, BODY[0].replace(" ", "  "))
    assert read(raw) == [list(ARTICLE)]
    assert not any(paragraph.repeats for paragraph in stories(raw)[0].paragraphs)


def test_sentences_broken_over_lines_and_verse_stay() -> None:
    broken = page(HEADLINE, *(part for line in BODY for part in line.replace(" إن ", "\nإن ").split("\n")))
    assert read(broken) == [broken.split("\n")]
    wrapped = [
        "أعلنت الشركة العامة للسكك",
        "استئناف رحلات القطار الليلي",
        "بين العاصمة ومدن الجنوب",
        "مطلع الشهر.",
    ]
    assert read(page(*wrapped)) == [wrapped]
    verse = ("يا دار سلمى عند باب النهر", "ما زال يذكرك الغريب ويسأل", "كم مر عام والرياح رسائل")
    assert read(page(HEADLINE, BODY[0], "وأنشد الشاعر قائلا:", *verse, BODY[1])) == [
        [HEADLINE, BODY[0], "وأنشد الشاعر قائلا:", *verse, BODY[1]]
    ]


LINES = st.sampled_from([*ARTICLE, SECOND_HEADLINE, *SECOND, *LINKS, *FURNITURE, "اقرأ أيضا", "- بند", "التعليقات", ""])


@given(st.lists(LINES | st.text(max_size=30), max_size=25), st.sampled_from(["\n", "\r\n", "\u2028"]))
def test_paragraphs_never_overlap_and_repeats_are_copies(lines: list[str], newline: str) -> None:
    raw = newline.join(lines)
    paragraphs: list[Paragraph] = [paragraph for story in stories(raw) for paragraph in story.paragraphs]
    spans = [paragraph.span for paragraph in paragraphs]
    assert all(before.end < after.start for before, after in pairwise(spans))
    assert len({span.of(raw) for span in spans}) == len(spans)
    for paragraph in paragraphs:
        assert "\n" not in paragraph.span.of(raw)
        assert all(other.of(raw) == paragraph.span.of(raw) for other in paragraph.repeats)


@pytest.mark.parametrize("name", ["gold/seeds", "gold/dev", "examples/examples", "gold/train"])
def test_no_annotated_content_is_lost(name: str) -> None:
    path = SHARED / f"{name}.jsonl"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    for article in read_gold(path):
        raw = article.document.raw
        paragraphs = [paragraph for story in stories(raw) for paragraph in story.paragraphs]
        kept = [paragraph.span for paragraph in paragraphs]
        copies = [span for paragraph in paragraphs for span in paragraph.repeats]
        for i, quotation in enumerate(article.quotations):
            places = copies if i in article.repeated else kept + copies
            for content in quotation.content:
                assert any(place.overlaps(content) for place in places), (
                    article.document.id,
                    content.of(raw),
                )


def test_stories_of_the_seed_articles() -> None:
    folder = SHARED / "seeds"
    if not folder.exists():
        pytest.skip(f"{folder} is not here")
    found = {path.name[:3]: read(path.read_text("utf-8")) for path in sorted(folder.glob("*.txt"))}
    assert {name: [len(story) for story in page] for name, page in found.items()} == {
        "000": [13],
        "001": [2, 12],
        "002": [11],
        "003": [6],
        "004": [12],
    }
    assert found["001"][1][0] == "العراق ولبنان يبحثان تعزيز العلاقات الثنائية وآخر التطورات بالمنطقة"
