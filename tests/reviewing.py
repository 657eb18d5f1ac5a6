"""What the tests of the review loop share: articles with quotations, and a reviewer who works through the API."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from extractor.annotation import Annotation
from extractor.document import Document
from extractor.gold import read_gold
from extractor.quotation import Quotation, QuotationType, Span, Speaker, SpeakerKind
from models.engine import open_database
from models.outbox import Outbox, Plan, Project
from models.reviews import Reviews
from models.store import Store
from models.tables import Purpose, ReviewTaskRow, TaskState
from review.label_studio import Server
from review.pull import PullCounts, Puller
from review.push import PushCounts, Pusher
from tests.saving import start

ROOT = Path(__file__).parents[1]
NO_PAUSE = (0.0, 0.0, 0.0)


def gold_annotations() -> list[Annotation]:
    """The seed articles and the gold examples, as if a checkpoint had read them perfectly."""
    articles = read_gold(ROOT / "seeds" / "gold.jsonl")
    return [Annotation(article.document, "starter", article.quotations) for article in articles]


def awkward_annotation(number: int = 0) -> Annotation:
    """Emoji, diacritics, Windows line ends, markup, a split content, a relayer, and a source that two share."""
    raw = (
        f"🎉 خبر {number} 👩‍👩‍👧\r\n\r\nقال الوَزِيرُ <b>أحمد</b> & رفاقه: «نعم 😀 سنعمل»، وأضاف، «غدًا».\r\n"
        "ونقلت الوكالة عن الوزير أن الأسعار 😀😀 &lt;ستنخفض&gt; قريبا 🇮🇶.\r\n"
    )

    def span(words: str) -> Span:
        return Span(raw.index(words), raw.index(words) + len(words))

    minister = Speaker("أحمد", SpeakerKind.PERSON, ("الوَزِيرُ <b>أحمد</b>", "الوزير"))
    agency = Speaker("الوكالة", SpeakerKind.ORGANIZATION, ("الوكالة",))
    quotations = (
        Quotation(
            QuotationType.DIRECT,
            (span("نعم 😀 سنعمل"), span("غدًا")),
            cue=span("قال"),
            source=span("الوَزِيرُ <b>أحمد</b> & رفاقه"),
            speaker=minister,
            confidence=0.8,
        ),
        Quotation(
            QuotationType.INDIRECT,
            (span("الأسعار 😀😀 &lt;ستنخفض&gt; قريبا"),),
            cue=span("ونقلت"),
            source=span("الوزير"),
            speaker=minister,
            via=agency,
            confidence=0.6,
        ),
    )
    return Annotation(Document(f"awkward-{number}", raw, title="خبر"), "starter", quotations)


class Loop:
    """A database with articles, and its project on a server."""

    def __init__(self, database: Path, server: Server, annotations: Sequence[Annotation] = ()) -> None:
        self.engine: Engine = open_database(database)
        self.outbox, self.reviews, self.server = Outbox(self.engine), Reviews(self.engine), server
        if annotations:
            store = Store(self.engine)
            store.save(start(store), annotations)

    @property
    def project(self) -> Project:
        project = self.outbox.project(self.server.url, Purpose.REVIEW)
        assert project
        return project

    def plans(self) -> list[Plan]:
        pending = select(ReviewTaskRow.annotation_id).where(ReviewTaskRow.state == TaskState.PENDING)
        with self.engine.connect() as connection:
            return [Plan(key, "uncertain") for key in connection.scalars(pending.order_by(ReviewTaskRow.id))]

    def push(self, plans: Sequence[Plan] | None = None) -> PushCounts:
        pusher = Pusher(self.server, self.outbox, self.project, pauses=NO_PAUSE)
        return pusher.push(self.plans() if plans is None else plans)

    def pull(self) -> PullCounts:
        return Puller(self.server, self.outbox, self.reviews, self.project).pull()


class Reviewer:
    """Reads and answers tasks through the API, as Label Studio's page does."""

    def __init__(self, url: str, key: str, project: int) -> None:
        from label_studio_sdk import LabelStudio

        self.client: Any = LabelStudio(base_url=url, api_key=key)  # type: ignore[no-untyped-call]
        self.project = project

    def tasks(self) -> dict[str, dict[str, Any]]:
        """By the article's hash, with the predictions."""
        items = self.client.tasks.list(project=self.project, fields="all", page_size=500)
        return {item.data["doc_id"]: item.model_dump() for item in items}

    def count(self) -> int:
        return len(list(self.client.tasks.list(project=self.project, page_size=1000, include="id")))

    def answer(self, task: dict[str, Any], result: list[dict[str, Any]], **options: Any) -> int:
        return int(self.client.annotations.create(id=task["id"], result=result, lead_time=5.0, **options).id)


def prediction(task: dict[str, Any]) -> list[dict[str, Any]]:
    """As the page copies it into an annotation."""
    result = json.loads(json.dumps(task["predictions"][0]["result"]))
    for item in result:
        if "value" in item:
            item["origin"] = "prediction"
    return list(result)


def regions(result: list[dict[str, Any]], label: str) -> Iterator[dict[str, Any]]:
    return (item for item in result if item.get("type") == "labels" and item["value"]["labels"] == [label])


def without(result: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    """As the page deletes a region: what is said of it and its relations go with it."""
    return [i for i in result if key not in (i.get("id"), i.get("from_id"), i.get("to_id"))]
