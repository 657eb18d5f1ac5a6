from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from models.engine import open_database
from models.store import Run, Store
from models.tables import TaskState
from review.queue import MOVES, Queue
from tests.saving import annotation, start


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(open_database(tmp_path / "extractor.db"))


@pytest.fixture
def run(store: Store) -> Run:
    return start(store)


@pytest.fixture
def queue(store: Store) -> Queue:
    return Queue(store.engine)


def test_the_least_sure_comes_first(store: Store, run: Run, queue: Queue) -> None:
    items = [annotation(number, confidence) for number, confidence in enumerate([0.5, 0.1, 0.7])]
    nothing_found = replace(annotation(9), quotations=())
    store.save(run, [nothing_found, *items])
    tasks = queue.pending(10)
    by_sureness = [items[1], items[0], items[2], nothing_found]
    assert [task.sha256 for task in tasks] == [item.document.sha256 for item in by_sureness]
    assert [task.uncertainty for task in tasks] == pytest.approx([0.9, 0.5, 0.3, 0.0])
    assert queue.pending(2) == tasks[:2]


def test_a_task_that_was_dealt_with_is_not_offered_again(store: Store, run: Run, queue: Queue) -> None:
    store.save(run, map(annotation, range(4)))
    pushed, reviewed, skipped, left = queue.pending(4)
    assert queue.move(pushed.id, TaskState.PUSHED)
    assert queue.move(reviewed.id, TaskState.REVIEWED)
    assert queue.move(skipped.id, TaskState.SKIPPED)
    assert queue.pending(4) == [left]
    assert set(queue.counts().values()) == {1}
    assert queue.move(pushed.id, TaskState.PENDING)
    assert queue.pending(4) == [pushed, left]


def test_an_article_waits_once_however_many_checkpoints_read_it(store: Store, run: Run, queue: Queue) -> None:
    store.save(run, [annotation(1), annotation(2)])
    first, second = queue.pending(2)
    queue.move(first.id, TaskState.REVIEWED)
    better = store.begin_run(store.register_checkpoint("better", "e" * 64), {})
    store.save(better, [annotation(1), annotation(2)])
    (task,) = queue.pending(9)
    assert task.sha256 == second.sha256
    assert task.annotation_id > second.annotation_id


@pytest.mark.parametrize("before", TaskState)
@pytest.mark.parametrize("after", TaskState)
def test_moves(store: Store, run: Run, queue: Queue, before: TaskState, after: TaskState) -> None:
    store.save(run, [annotation(1)])
    (task,) = queue.pending(1)
    assert before is TaskState.PENDING or queue.move(task.id, before)
    allowed = after in MOVES[before]
    assert queue.move(task.id, after) == allowed
    assert queue.counts()[after if allowed else before] == 1


def test_a_task_that_does_not_exist_is_not_moved(queue: Queue) -> None:
    assert not queue.move(1, TaskState.PUSHED)
