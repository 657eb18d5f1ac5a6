"""Reviews in a real database without a server: what Label Studio would answer, read as a pull reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
from sqlalchemy import select

from extractor.annotation import Annotation
from models.engine import open_database
from models.outbox import Outbox, Plan, Project
from models.reviews import PushedTask, Review, Reviews
from models.store import Store
from models.tables import READINGS, AnnotationRow, ArticleRow, CheckpointRow, Purpose, Verdict
from review.corrections import Correction, read_correction
from review.tasks import NO_QUOTATIONS, Result, Sent, prediction, sent
from tests.reviewing import regions, without
from tests.saving import annotation

URL = "http://127.0.0.1:8080"


class Desk:
    """Articles are sent to a project and answered there, one annotation of Label Studio an ``answer``."""

    def __init__(self, database: Path, purpose: Purpose = Purpose.REVIEW) -> None:
        self.engine = open_database(database)
        self.store, self.outbox, self.reviews = Store(self.engine), Outbox(self.engine), Reviews(self.engine)
        self.outbox.save_project(URL, 1 if purpose is Purpose.REVIEW else 2, purpose, "<View/>")
        self.purpose = purpose
        self._answers = 0

    @property
    def project(self) -> Project:
        project = self.outbox.project(URL, self.purpose)
        assert project
        return project

    def send(self, annotations: Sequence[Annotation], reason: str = "random") -> None:
        """As predictions of the checkpoints that they name, which are told apart by name alone."""
        for name in dict.fromkeys(one.checkpoint for one in annotations):
            checkpoint = self.store.register_checkpoint(name, name.ljust(64, "0"))
            run = self.store.begin_run(checkpoint, {"inputs": ["news"]})
            own = [one for one in annotations if one.checkpoint == name]
            self.store.save(run, own)
            query = (
                select(AnnotationRow.id)
                .join(ArticleRow, ArticleRow.id == AnnotationRow.article_id)
                .join(CheckpointRow, CheckpointRow.id == AnnotationRow.checkpoint_id)
                .where(CheckpointRow.name == name, ArticleRow.sha256.in_([one.document.sha256 for one in own]))
            )
            with self.engine.connect() as connection:
                keys = list(connection.scalars(query))
            self.outbox.plan(self.project, [Plan(key, reason) for key in keys])
        pushes = self.outbox.in_doubt(self.project, limit=len(annotations))
        self.outbox.confirm(self.project, {push.id: push.id for push in pushes})

    def pushed(self, annotations: Sequence[Annotation]) -> dict[str, PushedTask]:
        return self.reviews.pushed(self.project, [one.document.sha256 for one in annotations])

    def answer(
        self,
        article: Annotation,
        result: Result | Verdict,
        when: datetime,
        reviewer: str = "hoda@example.org",
        *,
        again: int | None = None,
        lead_time: float | None = 30.0,
        task: PushedTask | None = None,
    ) -> int:
        """``again``: an earlier answer, which this one revises. Its number."""
        task = task or self.pushed([article])[article.document.sha256]
        if again is None:
            self._answers += 1
        number = again or self._answers
        document = task.document
        correction = (
            Correction(result)
            if isinstance(result, Verdict)
            else read_correction(result, document.raw, sent(task.shown) if task.shown else Sent())
        )
        reading = Annotation(document, "", correction.quotations) if correction.verdict in READINGS else None
        review = Review(
            task.push_id,
            number,
            correction.verdict,
            reviewer if correction.verdict is not Verdict.DELETED else "",
            "0" * 64,
            when,
            reading,
            lead_time,
            result=[correction.verdict.value, when.isoformat()] if isinstance(result, Verdict) else result,
            origins=correction.origins,
        )
        assert self.reviews.save([(task, review)])
        return number


def article(number: int, outlet: str = "الشمال", checkpoint: str = "starter") -> Annotation:
    """Four content regions, two cues, one source."""
    made = annotation(number)
    document = replace(made.document, path=f"news/{outlet}/{number}.txt" if outlet else None)
    return Annotation(document, checkpoint, made.quotations)


def accepted(article: Annotation) -> Result:
    return list(prediction(article)["result"])


def shortened(article: Annotation) -> Result:
    """The end of the first content moved: one content region is changed."""
    result = accepted(article)
    next(regions(result, "Content"))["value"]["end"] -= 1
    return result


def with_one_more(article: Annotation) -> Result:
    """A content region drawn by hand."""
    at = article.document.raw.index("مستمر")
    value = {"start": at, "end": at + 5, "labels": ["Content"]}
    new = {"id": "drawn", "from_name": "span", "to_name": "text", "type": "labels", "value": value}
    return [*accepted(article), new]


def without_last(article: Annotation) -> Result:
    """The last content deleted, which has neither cue nor source."""
    result = accepted(article)
    return without(result, list(regions(result, "Content"))[-1]["id"])


def corrected(article: Annotation, rng: np.random.Generator, wrong: float) -> Result:
    """Each of three faults is found with this chance; half as often nothing was right."""
    result = accepted(article)
    if rng.random() < wrong / 2:
        return [{"from_name": "status", "to_name": "text", "type": "choices", "value": {"choices": [NO_QUOTATIONS]}}]
    if rng.random() < wrong / 2:
        result = with_one_more(article)
    first, *_, last = regions(result, "Content")
    if rng.random() < wrong:
        first["value"]["end"] -= 1
    return without(result, last["id"]) if rng.random() < wrong else result
