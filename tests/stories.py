"""Invented articles whose quotations are known: enough of them for a small tagger to learn by heart."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from extractor.document import Document
from extractor.gold import GoldArticle
from extractor.quotation import Quotation, QuotationType, Span, Speaker, SpeakerKind

MINISTER = Speaker("سامر الحلبي", SpeakerKind.PERSON, ("وزير الطاقة سامر الحلبي", "الحلبي"))
HEALTH = Speaker("وزارة الصحة", SpeakerKind.ORGANIZATION, ("وزارة الصحة",))
TRADE = Speaker("وزارة التجارة", SpeakerKind.ORGANIZATION, ("وزارة التجارة",))
ACTIVIST = Speaker("ريم العلي", SpeakerKind.PERSON, ("الناشطة ريم العلي",))
STATEMENT = Speaker("بيان النقابة", SpeakerKind.DOCUMENT, ("بيان النقابة",))
TEACHER = Speaker("هدى سعيد", SpeakerKind.PERSON, ("المعلمة هدى سعيد",))
MAYOR = Speaker("نادر شمس", SpeakerKind.PERSON, ("رئيس البلدية نادر شمس",))
AGENCY = Speaker("وكالة الشمال", SpeakerKind.ORGANIZATION, ("وكالة الشمال",))
MEDIC = Speaker("مصدر طبي", SpeakerKind.ANONYMOUS, ("مصدر طبي",))
COMMANDER = Speaker("عمر الراوي", SpeakerKind.PERSON, ("القائد عمر الراوي",))


@dataclass(frozen=True)
class Told:
    """A paragraph with one quotation, its parts given by their wording."""

    text: str
    content: tuple[str, ...]
    cue: str
    source: str | None
    speaker: Speaker
    type: QuotationType = QuotationType.INDIRECT
    via: Speaker | None = None

    def quotation(self, start: int) -> Quotation:
        def span(wording: str) -> Span:
            at = start + self.text.index(wording)
            return Span(at, at + len(wording))

        return Quotation(
            type=self.type,
            content=tuple(map(span, self.content)),
            cue=span(self.cue),
            source=span(self.source) if self.source else None,
            speaker=self.speaker,
            via=self.via,
        )


LONG = (
    "لقد سرنا أياما طويلة بين الجبال والوديان حتى بلغنا القرية، وكان معنا شيوخ وأطفال ونساء، ولم يبق معنا من الماء إلا "
    "القليل، فقسمناه بين الصغار، ثم نمنا تحت الشجر، وفي الصباح رأينا دخان البيوت من بعيد، فعرفنا أن الطريق قد انتهى، "
    "وأن أهل القرية ينتظرون عند الجسر القديم، ومعهم الخبز والحليب والثياب"
)
SPOKE = Told(
    "وقال وزير الطاقة سامر الحلبي إن الإنتاج سيرتفع هذا العام.",
    ("الإنتاج سيرتفع هذا العام",),
    "وقال",
    "وزير الطاقة سامر الحلبي",
    MINISTER,
)
ADDED = Told("وأضاف أن المصفاة الجديدة تعمل منذ شهرين.", ("المصفاة الجديدة تعمل منذ شهرين",), "وأضاف", None, MINISTER)
ANNOUNCED = Told(
    "وأعلنت وزارة الصحة وصول مئة طبيب إلى المدينة.",
    ("وصول مئة طبيب إلى المدينة",),
    "وأعلنت",
    "وزارة الصحة",
    HEALTH,
)
ACCORDING = Told(
    "ارتفعت أسعار الخبز قليلا، وفقا لوزارة التجارة.",
    ("ارتفعت أسعار الخبز قليلا",),
    "وفقا",
    "وزارة التجارة",
    TRADE,
)
QUOTED = Told(
    "وصرحت الناشطة ريم العلي: «لن نترك بيوتنا لأحد».",
    ("لن نترك بيوتنا لأحد",),
    "وصرحت",
    "الناشطة ريم العلي",
    ACTIVIST,
    QuotationType.DIRECT,
)
WRITTEN = Told(
    "وجاء في بيان النقابة أن الإضراب مستمر حتى الأحد.",
    ("الإضراب مستمر حتى الأحد",),
    "وجاء",
    "بيان النقابة",
    STATEMENT,
)
INTERRUPTED = Told(
    "«نحن هنا مع أطفالنا»، هتفت المعلمة هدى سعيد، «ولن نرحل اليوم».",
    ("نحن هنا مع أطفالنا", "ولن نرحل اليوم"),
    "هتفت",
    "المعلمة هدى سعيد",
    TEACHER,
    QuotationType.DIRECT,
)
CALLED = Told(
    "ودعا رئيس البلدية نادر شمس إلى توفير المياه.",
    ("توفير المياه",),
    "ودعا",
    "رئيس البلدية نادر شمس",
    MAYOR,
)
RELAYED = Told(
    "ونقلت وكالة الشمال عن مصدر طبي أن الجرحى غادروا المستشفى.",
    ("الجرحى غادروا المستشفى",),
    "ونقلت",
    "مصدر طبي",
    MEDIC,
    via=AGENCY,
)
RECALLED = Told(
    f"وروى القائد عمر الراوي: «{LONG}».",
    (LONG,),
    "وروى",
    "القائد عمر الراوي",
    COMMANDER,
    QuotationType.DIRECT,
)
TOLD = (SPOKE, ANNOUNCED, ACCORDING, QUOTED, WRITTEN, INTERRUPTED, CALLED, RELAYED, RECALLED)
PLAIN = (
    "وتقع المدينة على ضفة النهر الكبير.",
    "وكان الجو باردا في الصباح الباكر.",
    "وشهد السوق حركة كبيرة يوم الخميس.",
    "ويعيش في المنطقة نحو ألف شخص.",
)
MANY_PLAIN = tuple(PLAIN[i % len(PLAIN)].replace(".", f" في يوم {i}.") for i in range(120))  # none repeats another


def article(name: str, paragraphs: Sequence[Told | str]) -> GoldArticle:
    lines, quotations, start = [], [], 0
    for paragraph in paragraphs:
        text = paragraph if isinstance(paragraph, str) else paragraph.text
        if isinstance(paragraph, Told):
            quotations.append(paragraph.quotation(start))
        lines.append(text)
        start += len(text) + 1
    return GoldArticle(Document(name, "\n".join(lines)), "invented", tuple(quotations))


def shuffled(seed: int, count: int) -> list[Told | str]:
    """Some paragraphs in any order; ADDED stands only where the minister has just spoken."""
    rng = random.Random(seed)
    chosen: list[Told | str] = []
    for _ in range(count):
        paragraph = rng.choice(TOLD) if rng.random() < 0.75 else rng.choice(PLAIN + MANY_PLAIN)
        chosen += [paragraph, ADDED] if paragraph is SPOKE and rng.random() < 0.7 else [paragraph]
    return chosen


def articles(count: int, first_seed: int = 0) -> Iterator[GoldArticle]:
    for seed in range(first_seed, first_seed + count):
        yield article(f"invented-{seed}", shuffled(seed, 3 + seed % 4))


def write_gold(path: Path, gold: Iterable[GoldArticle]) -> None:
    """As docs/gold.md has it."""
    with path.open("w", encoding="utf-8") as file:
        for made in gold:
            file.write(json.dumps(_record(made), ensure_ascii=False) + "\n")


def _record(made: GoldArticle) -> dict[str, object]:
    speakers = list(dict.fromkeys(s for q in made.quotations for s in (q.speaker, q.via) if s))
    ids = {speaker: f"s{number}" for number, speaker in enumerate(speakers)}

    def pair(span: Span | None) -> list[int] | None:
        return [span.start, span.end] if span else None

    return {
        "id": made.document.id,
        "source": made.outlet,
        "text": made.document.raw,
        "speakers": [{"id": ids[s], "name": s.name, "kind": s.kind, "mentions": s.mentions} for s in speakers],
        "statements": [
            {
                "type": q.type,
                "content": [pair(span) for span in q.content],
                "cue": pair(q.cue),
                "mention": pair(q.source),
                "speaker": ids[q.speaker] if q.speaker else None,
                "via": ids[q.via] if q.via else None,
            }
            for q in made.quotations
        ],
    }
