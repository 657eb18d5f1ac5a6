"""The job that retrains: enough new labels? freeze them, train, compare with what people use, promote or keep.

Each step is written down before the next begins, so that a killed job is gone on with where it stopped. What needs
torch, training and reading, is handed in.
"""

from __future__ import annotations

import fcntl
import resource
import shutil
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from extractor.checkpoint_folder import SETTINGS, publish, starter_checkpoint
from extractor.document import Document
from extractor.errors import MendableError
from extractor.gold import GoldArticle
from extractor.made_with import made_with
from extractor.quotation import Quotation
from models.checkpoints import Checkpoints, Registered
from models.datasets import Dataset, DatasetError, Datasets
from models.retrainings import Doubt, Result, Retraining, Retrainings
from models.reviews import Reviewed, Reviews
from models.tables import utc_now
from review.accepted import Accepted, accepted, apart, as_gold, check_apart, hash_of
from review.doubts import doubts
from review.gate import Verdict, judge
from review.slices import Readings, credits_by_measure, credits_by_slice

STATE = "state"
"""In a training's folder, what only an interrupted training needs."""


class OutOfTimeError(MendableError):
    """The time that was allowed is over; the same command goes on."""


class BusyError(MendableError):
    """Another retraining is under way."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """All that decides a training; ``options``: epochs, rates and the like."""

    name: str
    base: str
    seed: int
    options: Mapping[str, Any]
    articles: tuple[GoldArticle, ...]
    gold: tuple[GoldArticle, ...]
    facts: Mapping[str, Any]


Train = Callable[[Lesson, Path], None]
"""Trains in that folder, or goes on there, fits confidence to the gold, leaves a checkpoint. Raises OutOfTimeError."""

Read = Callable[[Path, Sequence[Document]], Readings]
"""What the checkpoint in that folder says of the documents."""


@dataclass(frozen=True, slots=True)
class Settings:
    """``folder``: where candidates lie; ``base``: what training starts from; ``replay``: learned from each time."""

    folder: Path
    base: str
    seed_gold: Path
    replay: Path
    seed: int
    options: Mapping[str, Any]
    least: int = 50
    patience: timedelta = timedelta(days=14)
    adjudicators: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """``new``: articles that no judged retraining has learned from; ``since``: of the last one, or the first label."""

    new: int
    least: int
    since: datetime | None

    def __str__(self) -> str:
        since = f" since {self.since:%Y-%m-%d}" if self.since else ""
        return f"nothing to do: {self.new} newly accepted articles{since}, {self.least} are awaited"


class Retrainer:
    """On one database. ``note`` is told what happens, in words for people."""

    def __init__(
        self, engine: Engine, settings: Settings, train: Train, read: Read, note: Callable[[str], None] = lambda _: None
    ) -> None:
        self._settings, self._train, self._read, self._note = settings, train, read, note
        self._checkpoints, self._datasets = Checkpoints(engine), Datasets(engine)
        self._retrainings, self._reviews = Retrainings(engine), Reviews(engine)

    def run(self) -> Retraining | Waiting:
        """Goes on with what was interrupted, or begins if there is enough to learn from; how that ended.

        Raises BusyError while another program does this, and OutOfTimeError. Any other mistake that a user can mend
        ends the retraining as failed; a bug does too, and is raised.
        """
        with self._alone():
            running = self._retrainings.running()
            if running is None:
                found = self._accepted()
                waiting = self._enough(found.labels)
                if waiting:
                    return waiting
                running = self._begin(found)
            self._sweep(running)
            return self._go_on(running)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """A lock that ends with this process, however it ends."""
        self._settings.folder.mkdir(parents=True, exist_ok=True)
        with (self._settings.folder / ".retrain.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BusyError("another retraining is under way: wait for it") from error
            yield

    def _accepted(self) -> Accepted:
        settings = self._settings
        try:
            return accepted(self._reviews, settings.seed_gold, settings.replay, settings.adjudicators)
        except (OSError, ValueError) as error:
            raise MendableError(f"{error}: give files of annotated articles") from error

    def _enough(self, labels: Sequence[Reviewed]) -> Waiting | None:
        """None where it is time to retrain."""
        judged = self._retrainings.judged()
        learned = {label.annotation for label in self._datasets.load(judged[-1].dataset).labels} if judged else set()
        new = [reviewed for reviewed in labels if reviewed.annotation_id not in learned]
        since = judged[-1].started_at if judged else min((r.reviewed_at for r in labels), default=None)
        late = since is not None and utc_now() - since >= self._settings.patience
        if len(new) >= self._settings.least or (new and late):
            return None
        return Waiting(len(new), self._settings.least, since)

    def _begin(self, found: Accepted) -> Retraining:
        settings = self._settings
        dataset = found.dataset(settings.replay)
        facts = {
            "made_with": made_with(),
            "options": dict(settings.options),
            "labels": len(dataset.labels),
            "left_out_as_gold": found.left_out,
        }
        is_checkpoint = (Path(settings.base) / SETTINGS).is_file()
        key = self._retrainings.begin(dataset, settings.base, settings.seed, facts, is_checkpoint)
        return self._retrainings.get(key)

    def _sweep(self, running: Retraining) -> None:
        """What killed or failed retrainings left behind."""
        for path in self._settings.folder.glob(".retrained-*"):
            if not path.name.startswith(f".{running.name}."):
                shutil.rmtree(path)

    def _go_on(self, running: Retraining) -> Retraining:
        try:
            self._finish(running)
        except OutOfTimeError:
            raise
        except MendableError as error:
            self._retrainings.fail(running.id, str(error))
        except Exception as error:
            self._retrainings.fail(running.id, f"{type(error).__name__}: {error}")
            raise
        shutil.rmtree(self._work(running), ignore_errors=True)
        return self._retrainings.get(running.id)

    def _work(self, running: Retraining) -> Path:
        return self._settings.folder / f".{running.name}.training"

    def _finish(self, running: Retraining) -> None:
        began = time.monotonic()
        dataset = self._datasets.load(running.dataset)
        labels = tuple(map(as_gold, self._datasets.annotations(dataset)))
        found = self._accepted()
        if hash_of(self._settings.replay) != dataset.replay:
            raise DatasetError(f"{self._settings.replay} was changed since dataset {dataset.id[:12]} was frozen")
        # An article may have become gold after the dataset was frozen: for this candidate it is none.
        training = [article.document for article in (*labels, *found.replay)]
        measuring = apart([article.document for article in found.gold], training)
        gold = tuple(article for article in found.gold if article.document.sha256 in measuring)
        check_apart(gold, training)
        candidate = self._trained(running, (*labels, *found.replay), gold)
        against = self._doubts(dataset, labels, candidate)
        answers = self._read(candidate, _documents(gold))
        # Somebody may promote or roll back meanwhile: then it is compared with what people use now.
        while True:
            champion = self._checkpoints.current()
            folder = champion.verified() if champion else starter_checkpoint()
            verdict = _verdict(
                gold, self._read(folder, _documents(gold)), answers, self._same_labels(champion, dataset)
            )
            result = Result(
                candidate=candidate,
                champion=folder,
                champion_id=champion.id if champion else None,
                is_better=verdict.is_promotion,
                verdict=str(verdict),
                scores=verdict.as_dict(),
                facts={**running.facts, **_costs(began), "contradicted": len(against)},
                doubts=against,
            )
            if self._retrainings.finish(running.id, result):
                return

    def _trained(self, running: Retraining, articles: tuple[GoldArticle, ...], gold: tuple[GoldArticle, ...]) -> Path:
        """The candidate's folder; one that is there is whole."""
        candidate = self._settings.folder / running.name
        if not candidate.is_dir():
            facts = {
                "dataset": running.dataset,
                "parent": running.parent,
                "seed": running.seed,
                "made_with": running.facts["made_with"],
            }
            options = running.facts["options"]
            lesson = Lesson(running.name, running.base, running.seed, options, articles, gold, facts)
            self._note(f"{running.name}: learning from {running.facts['labels']} reviewed articles")
            self._train(lesson, self._work(running))
            publish(self._work(running), candidate, leave_out=STATE)
        return candidate

    def _doubts(self, dataset: Dataset, labels: Sequence[GoldArticle], candidate: Path) -> list[Doubt]:
        """Of reviews that are new to training and that no checkpoint has contradicted before."""
        judged = self._retrainings.judged()
        known = {label.annotation for label in self._datasets.load(judged[-1].dataset).labels} if judged else set()
        reviews = self._reviews.ids_of([label.annotation for label in dataset.labels])
        asked = self._retrainings.doubted()
        new = {
            reviews[label.annotation]: article
            for label, article in zip(dataset.labels, labels, strict=True)
            if label.annotation not in known and reviews[label.annotation] not in asked
        }
        return doubts(new, self._read(candidate, _documents(list(new.values()))))

    def _same_labels(self, champion: Registered | None, dataset: Dataset) -> bool:
        """Whether the champion has learned from the same; of a checkpoint from elsewhere nobody knows."""
        made = champion and self._retrainings.of_candidate(champion.name)
        return made.dataset == dataset.id if made else not dataset.labels


def _verdict(gold: Sequence[GoldArticle], champion: Readings, candidate: Readings, same_labels: bool) -> Verdict:
    theirs, ours = credits_by_slice(gold, champion), credits_by_slice(gold, candidate)
    return judge(
        credits_by_measure(gold, champion),
        credits_by_measure(gold, candidate),
        {name: (theirs[name], ours[name]) for name in theirs},
        same_answers=_said(champion) == _said(candidate),
        same_labels=same_labels,
    )


def _said(readings: Readings) -> dict[str, list[Quotation]]:
    """However sure of it."""
    return {key: [replace(quotation, confidence=1.0) for quotation in said] for key, said in readings.items()}


def _documents(articles: Sequence[GoldArticle]) -> list[Document]:
    return [article.document for article in articles]


def _costs(began: float) -> dict[str, float]:
    """Of this process: minutes since it began (or went on), and the most memory that it had."""
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return {"minutes": round((time.monotonic() - began) / 60, 1), "peak_memory_mb": round(peak / 1e6)}
