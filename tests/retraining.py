"""Databases with reviews to learn from, and a retraining to be killed: ``python -m tests.retraining FOLDER POINT``.

Its training copies a small checkpoint, and its reading answers from a list: what is tested is the job around them.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from extractor.annotation import Annotation
from extractor.checkpoint_folder import fingerprint, name_of
from extractor.document import Document
from extractor.gold import GoldArticle, read_gold
from models.engine import open_database
from models.outbox import Outbox
from models.reviews import Review, Reviews
from models.store import Store
from models.tables import Purpose, Verdict
from review.retrain import Lesson, Retrainer, Settings, Waiting
from review.slices import Readings
from tests.stories import TOLD, article, write_gold

ROOT = Path(__file__).parents[1]
LABELS, GOLD, REPLAY = 24, 24, 3
REVIEWED_AT = datetime(2026, 1, 1, tzinfo=UTC)
_LETTERS = "ابتثجحخدذرزسشصضطظعغفقكلمنهوي"


def stories(count: int, first: int = 0) -> list[GoldArticle]:
    """Articles with quotations of tests/stories.py, each with so many words of its own that it is no other's copy."""
    made = []
    for number in range(first, first + count):
        rng = random.Random(number)
        own = " ".join("".join(rng.choices(_LETTERS, k=2)) for _ in range(40))
        made.append(article(f"story-{number}", [*rng.sample(TOLD[:8], 3), f"{own}."]))
    return made


def accept(
    engine: Engine,
    articles: Sequence[GoldArticle],
    purpose: Purpose = Purpose.REVIEW,
    reviewer: str = "a@b.c",
    checkpoint: Path | None = None,
) -> None:
    """As if each had been predicted, pushed, corrected and pulled."""
    store, outbox, reviews = Store(engine), Outbox(engine), Reviews(engine)
    name, key, path = ("old", "f" * 64, None)
    if checkpoint:
        name, key, path = name_of(checkpoint), fingerprint(checkpoint), str(checkpoint)
    run = store.begin_run(store.register_checkpoint(name, key, path), {})
    store.save(run, [Annotation(a.document, name, ()) for a in articles])
    outbox.save_project("http://x", 1 if purpose is Purpose.REVIEW else 2, purpose, "<View/>")
    project = outbox.project("http://x", purpose)
    assert project
    outbox.adopt(project, {a.document.sha256: (number, name) for number, a in enumerate(articles)})
    pushed = reviews.pushed(project, [a.document.sha256 for a in articles])
    for number, made in enumerate(articles):
        review = Review(
            task_id=number,
            label_studio_id=1000 * len(reviewer) + number,
            verdict=Verdict.CORRECTED,
            reviewer=reviewer,
            interface_sha256="0" * 64,
            reviewed_at=REVIEWED_AT + timedelta(minutes=number),
            annotation=Annotation(made.document, "", made.quotations),
            result=[made.document.id],
        )
        reviews.save([(pushed[made.document.sha256], review)])


def prepare(folder: Path, labels: int = LABELS) -> Engine:
    """A database with so many accepted articles, ``gold.jsonl`` and ``replay.jsonl``."""
    engine = open_database(folder / "extractor.db")
    accept(engine, stories(labels))
    write_gold(folder / "gold.jsonl", stories(GOLD, 1000))
    write_gold(folder / "replay.jsonl", stories(REPLAY, 2000))
    return engine


def settings(folder: Path, least: int = LABELS, seed: int = 1) -> Settings:
    gold, replay = folder / "gold.jsonl", folder / "replay.jsonl"
    return Settings(folder / "checkpoints", "encoder", gold, replay, seed, {"epochs": 1}, least)


class Scripted:
    """Trains by copying ``template``; the champion answers with nothing, the candidate with some of the truth."""

    def __init__(self, folder: Path, template: Path, knows: float = 1.0, die_at: str = "") -> None:
        self._template, self._knows, self._die_at = template, knows, die_at
        self._truth = {a.document.sha256: a.quotations for a in (*stories(LABELS), *read_gold(folder / "gold.jsonl"))}
        self.lessons: list[Lesson] = []
        self._reads = 0

    def train(self, lesson: Lesson, folder: Path) -> None:
        self._reach("train")
        self.lessons.append(lesson)
        shutil.copytree(self._template, folder, dirs_exist_ok=True)
        (folder / "state").mkdir(exist_ok=True)
        settings = json.loads((folder / "tagger.json").read_text("utf-8"))
        (folder / "tagger.json").write_text(json.dumps({**settings, "name": lesson.name}), "utf-8")
        self._reach("trained")

    def read(self, folder: Path, documents: Sequence[Document]) -> Readings:
        self._reads += 1
        self._reach(f"read{self._reads}")
        rng = random.Random(7)
        if not name_of(folder).startswith("retrained"):
            return {document.sha256: () for document in documents}
        return {
            document.sha256: tuple(
                replace(q, confidence=0.95) for q in self._truth.get(document.sha256, ()) if rng.random() < self._knows
            )
            for document in documents
        }

    def _reach(self, point: str) -> None:
        if point == self._die_at:
            os.kill(os.getpid(), signal.SIGKILL)


def retrainer(folder: Path, scripted: Scripted, least: int = LABELS, seed: int = 1) -> Retrainer:
    return Retrainer(
        open_database(folder / "extractor.db"), settings(folder, least, seed), scripted.train, scripted.read
    )


def main(folder: Path, template: Path, points: Iterable[str]) -> None:
    for point in points:
        ended = retrainer(folder, Scripted(folder, template, die_at=point)).run()
        sys.stdout.write(str(ended) if isinstance(ended, Waiting) else ended.state.value)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
