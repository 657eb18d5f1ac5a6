"""Reviews from Label Studio, each once: whatever changed since the last pull, and some more for safety.

A review that says what its last revision said is passed over: pulling again, or twice at once, changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

from extractor.annotation import Annotation
from models.outbox import Outbox, Project
from models.reviews import PushedTask, Review, Reviews, Trouble
from models.tables import READINGS, Verdict
from review.corrections import Correction, read_correction
from review.interface import check_interface, interface_sha256
from review.label_studio import Server, ServerAnnotation, ServerTask
from review.regions import Fault, Problem
from review.tasks import Sent, sent, shown

OVERLAP = timedelta(minutes=2)
"""Read again each time: a change can become visible after one that was made later."""


@dataclass(slots=True)
class PullCounts:
    """``tasks`` were looked at; of ``unknown`` ones the article is not in this database."""

    tasks: int = 0
    unknown: int = 0
    adopted: int = 0
    gone: int = 0
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    problems: int = 0


class Puller:
    def __init__(
        self,
        server: Server,
        outbox: Outbox,
        reviews: Reviews,
        project: Project,
        *,
        on_progress: Callable[[PullCounts], None] = lambda counts: None,
    ) -> None:
        self._server, self._outbox, self._reviews, self._project = server, outbox, reviews, project
        self._on_progress = on_progress
        self._interface = interface_sha256(project.interface)
        self.counts = PullCounts()

    def pull(self) -> PullCounts:
        """Raises InterfaceChangedError and ServerAwayError; what was pulled till then is kept, and asked for again."""
        facts = check_interface(self._server, self._project)
        newest = self._project.cursor
        since = newest and newest - OVERLAP
        for page in self._server.changed_tasks(self._project.label_studio_id, since):
            self._take(page)
            newest = max([task.changed_at for task in page] + ([newest] if newest else []))
        confirmed = self._outbox.confirmed(self._project)
        if len(confirmed) > facts.tasks:
            self._mark_gone(set(confirmed))
        if not self.counts.unknown:  # they are asked for again, until their articles are here
            self._outbox.set_cursor(self._project, newest)
        return self.counts

    def _take(self, page: Sequence[ServerTask]) -> None:
        pushed = self._known(page)
        came = [(pushed[task.doc_id], review) for task in page for review in self._reviewed(task, pushed)]
        for review in self._reviews.save(came):
            self.counts.verdicts[review.verdict] += 1
            self.counts.problems += len(review.troubles)
        self.counts.tasks += len(page)
        self._on_progress(self.counts)

    def _known(self, page: Sequence[ServerTask]) -> dict[str, PushedTask]:
        keys = {task.doc_id for task in page}
        pushed = self._reviews.pushed(self._project, keys)
        if missing := {task.doc_id: (task.id, task.checkpoint) for task in page if task.doc_id not in pushed}:
            self.counts.adopted += self._outbox.adopt(self._project, missing)
            pushed |= self._reviews.pushed(self._project, missing.keys())
        self.counts.unknown += sum(bool(task.doc_id) and task.doc_id not in pushed for task in page)
        return pushed

    def _reviewed(self, task: ServerTask, pushed: dict[str, PushedTask]) -> Iterator[Review]:
        known = pushed.get(task.doc_id)
        if known is None:
            return
        for annotation in task.annotations:
            yield self._review(task, known, annotation)
        there = {annotation.id for annotation in task.annotations}
        for key, of_task in known.known.items():
            if of_task == task.id and key not in there:
                yield self._deleted(task, key)

    def _review(self, task: ServerTask, known: PushedTask, annotation: ServerAnnotation) -> Review:
        correction = self._correction(task, known, annotation)
        reading = None
        if correction.verdict in READINGS:
            reading = Annotation(known.document, "", correction.quotations)
        return Review(
            task_id=task.id,
            label_studio_id=annotation.id,
            verdict=correction.verdict,
            reviewer=self._names.get(annotation.reviewer_id or 0, f"user {annotation.reviewer_id}"),
            interface_sha256=self._interface,
            reviewed_at=annotation.changed_at,
            annotation=reading,
            lead_time=annotation.lead_time,
            note=correction.note,
            result=annotation.result,
            troubles=[Trouble(p.region, p.fault.value, p.detail, p.quarantined) for p in correction.problems],
            origins=correction.origins,
        )

    def _correction(self, task: ServerTask, known: PushedTask, annotation: ServerAnnotation) -> Correction:
        if annotation.skipped:
            return Correction(Verdict.SKIPPED)
        raw = known.document.raw
        if task.text != shown(raw):
            problem = Problem(
                Fault.TEXT_CHANGED, "the task's text is no longer the article's: its offsets mean nothing"
            )
            return Correction(Verdict.UNCLEAR, problems=(problem,))
        return read_correction(annotation.result, raw, sent(known.shown) if known.shown else Sent())

    def _deleted(self, task: ServerTask, key: int) -> Review:
        return Review(task.id, key, Verdict.DELETED, "", self._interface, task.changed_at, result=[])

    def _mark_gone(self, confirmed: set[int]) -> None:
        gone = confirmed - self._server.task_ids(self._project.label_studio_id)
        self._outbox.mark_gone(self._project, gone)
        self.counts.gone = len(gone)

    @cached_property
    def _names(self) -> dict[int, str]:
        return self._server.reviewers()
