"""Tasks to Label Studio, each once: planned in the database, looked up on the server, and only then imported."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from models.outbox import Outbox, Plan, Project, Push
from models.tables import Purpose
from review.interface import check_interface
from review.label_studio import FoundTask, ProjectFacts, Server, ServerAwayError
from review.tasks import task

BATCH = 200
PAUSES = (0.5, 2, 5, 15)
"""Seconds to wait, each time the server is away, before it is asked again."""


@dataclass(slots=True)
class PushCounts:
    """``found``: were on the server already; ``surplus``: second tasks of one article, deleted again."""

    imported: int = 0
    found: int = 0
    surplus: int = 0
    checkpoints: Counter[str] = field(default_factory=Counter)

    @property
    def done(self) -> int:
        return self.imported + self.found


@dataclass(frozen=True, slots=True)
class _Ready:
    """A push and its task as it goes over the wire."""

    push: Push
    task: dict[str, Any]


class Pusher:
    """Sends what is planned. Killed at any moment, the next one goes on where it stopped."""

    def __init__(
        self,
        server: Server,
        outbox: Outbox,
        project: Project,
        *,
        pauses: Sequence[float] = PAUSES,
        on_progress: Callable[[PushCounts], None] = lambda counts: None,
    ) -> None:
        self._server, self._outbox, self._project = server, outbox, project
        self._pauses, self._on_progress = pauses, on_progress
        self._settled: set[int] = set()
        self.counts = PushCounts()

    def push(self, plans: Sequence[Plan]) -> PushCounts:
        """What earlier pushes left in doubt first, then ``plans``.

        Raises LeaseTakenError while another program pushes, InterfaceChangedError, and ServerAwayError when patience
        is at its end; what is left then stays planned.
        """
        with self._outbox.lease(self._project) as lease, ThreadPoolExecutor(1) as ahead:
            facts = check_interface(self._server, self._project)
            self._outbox.plan(self._project, plans)
            # While the server works, the next batch is made ready.
            next_batch = ahead.submit(self._ready, 0)
            while batch := next_batch.result():
                next_batch = ahead.submit(self._ready, batch[-1].push.id)
                lease.renew()
                self._send(batch)
            self._follow_version(facts)
        return self.counts

    def _ready(self, after: int) -> list[_Ready]:
        blind = self._project.purpose is Purpose.BLIND
        pushes = self._outbox.in_doubt(self._project, BATCH, after)
        return [_Ready(push, task(push.annotation, blind=blind)) for push in pushes]

    def _send(self, batch: Sequence[_Ready]) -> None:
        """Until every task of the batch is known to be there, once."""
        pauses = iter(self._pauses)
        doubtful = False  # whether a request may have been done that seemed to fail
        while True:
            try:
                missing = self._look_up(batch)
                if missing:
                    self._import(missing)
                if not (missing and doubtful):
                    break
            except ServerAwayError:
                doubtful = True
                pause = next(pauses, None)
                if pause is None:
                    raise
                time.sleep(pause)
        self.counts.checkpoints.update(ready.push.annotation.checkpoint for ready in batch)

    def _look_up(self, batch: Sequence[_Ready]) -> list[_Ready]:
        """Confirms what the server has, deletes second tasks of one article, and returns what is missing."""
        by_key: dict[str, list[FoundTask]] = {}
        for found in self._server.find_tasks(self._project.label_studio_id, [ready.push.sha256 for ready in batch]):
            by_key.setdefault(found.doc_id, []).append(found)
        kept = {key: self._without_surplus(tasks) for key, tasks in by_key.items()}
        self._outbox.confirm(self._project, {r.push.id: kept[r.push.sha256].id for r in batch if r.push.sha256 in kept})
        if any(found.annotations for found in kept.values()):
            # Labels of a task that this database did not know of: the next pull reads everything again.
            self._outbox.set_cursor(self._project, None)
        new = {ready.push.id for ready in batch if ready.push.sha256 in kept} - self._settled
        self.counts.found += len(new)
        self._settle(new)
        return [ready for ready in batch if ready.push.sha256 not in kept]

    def _import(self, missing: Sequence[_Ready]) -> None:
        ids = self._server.import_tasks(self._project.label_studio_id, [ready.task for ready in missing])
        self._outbox.confirm(self._project, {ready.push.id: key for ready, key in zip(missing, ids, strict=True)})
        self.counts.imported += len(missing)
        self._settle(ready.push.id for ready in missing)

    def _without_surplus(self, tasks: Sequence[FoundTask]) -> FoundTask:
        """The one with most annotations, or else the oldest; the others are deleted unless somebody worked on them."""
        kept, *others = sorted(tasks, key=lambda found: (-found.annotations, found.id))
        for other in others:
            if not other.annotations:
                self._server.delete_task(other.id)
                self.counts.surplus += 1
        return kept

    def _settle(self, pushes: Iterable[int]) -> None:
        self._settled.update(pushes)
        self._on_progress(self.counts)

    def _follow_version(self, before: ProjectFacts) -> None:
        """Label Studio shows, and sorts by, the predictions of one checkpoint: of the one that most were pushed of."""
        if self.counts.checkpoints and self._project.purpose is Purpose.REVIEW:
            ((checkpoint, _),) = self.counts.checkpoints.most_common(1)
            if checkpoint != before.model_version:
                self._server.set_model_version(self._project.label_studio_id, checkpoint)
