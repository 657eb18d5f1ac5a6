"""Tasks to Label Studio, each once: planned in the database, looked up on the server, and only then imported."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from models.outbox import Lease, Outbox, Plan, Project, Push
from models.tables import Purpose
from review.interface import check_interface
from review.label_studio import FoundTask, Server, ServerAwayError
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
        with self._outbox.lease(self._project) as lease:
            check_interface(self._server, self._project)
            self._send_all(lease)
            for first in range(0, len(plans), BATCH):
                self._outbox.plan(self._project, plans[first : first + BATCH])
                self._send_all(lease)
            self._follow_version()
        return self.counts

    def _send_all(self, lease: Lease) -> None:
        while batch := self._outbox.in_doubt(self._project, BATCH):
            lease.renew()
            self._send(batch)

    def _send(self, batch: Sequence[Push]) -> None:
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
        self.counts.checkpoints.update(push.annotation.checkpoint for push in batch)

    def _look_up(self, batch: Sequence[Push]) -> list[Push]:
        """Confirms what the server has, deletes second tasks of one article, and returns what is missing."""
        by_key: dict[str, list[FoundTask]] = {}
        for found in self._server.find_tasks(self._project.label_studio_id, [push.sha256 for push in batch]):
            by_key.setdefault(found.doc_id, []).append(found)
        kept = {key: self._without_surplus(tasks) for key, tasks in by_key.items()}
        self._outbox.confirm(self._project, {p.id: kept[p.sha256].id for p in batch if p.sha256 in kept})
        if any(found.annotations for found in kept.values()):
            # Labels of a task that this database did not know of: the next pull reads everything again.
            self._outbox.set_cursor(self._project, None)
        new = {push.id for push in batch if push.sha256 in kept} - self._settled
        self.counts.found += len(new)
        self._settle(new)
        return [push for push in batch if push.sha256 not in kept]

    def _import(self, missing: Sequence[Push]) -> None:
        blind = self._project.purpose is Purpose.BLIND
        tasks = [task(push.annotation, blind=blind) for push in missing]
        ids = self._server.import_tasks(self._project.label_studio_id, tasks)
        self._outbox.confirm(self._project, {push.id: key for push, key in zip(missing, ids, strict=True)})
        self.counts.imported += len(missing)
        self._settle(push.id for push in missing)

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

    def _follow_version(self) -> None:
        """Label Studio shows, and sorts by, the predictions of one checkpoint: of the one that most were pushed of."""
        if self.counts.checkpoints and self._project.purpose is Purpose.REVIEW:
            ((checkpoint, _),) = self.counts.checkpoints.most_common(1)
            self._server.set_model_version(self._project.label_studio_id, checkpoint)
