"""Exactly once, whatever happens between us and a real Label Studio: each row of the table in docs/review.md."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.outbox import LeaseTakenError, Plan
from models.tables import Purpose, TaskState, Verdict
from review.interface import set_up
from review.label_studio import LabelStudioError, Server, ServerAwayError
from review.queue import Queue
from tests.conftest import REVIEWER, ROOT
from tests.fault_proxy import Fault, FaultProxy
from tests.reviewing import Loop, Reviewer, awkward_annotation, prediction

pytestmark = pytest.mark.slow
ARTICLES = 12


@pytest.fixture
def proxy(label_studio: str) -> Iterator[FaultProxy]:
    with FaultProxy(label_studio).running() as running:
        yield running


@pytest.fixture
def loop(tmp_path: Path, proxy: FaultProxy) -> Loop:
    """Twelve articles that wait, a new project, and the proxy between."""
    made = Loop(
        tmp_path / "extractor.db",
        Server(proxy.url, REVIEWER.token, timeout=5),
        [awkward_annotation(number) for number in range(ARTICLES)],
    )
    set_up(made.server, made.outbox, Purpose.REVIEW, title=f"Faults {tmp_path.parent.name} {tmp_path.name}")
    return made


@pytest.fixture
def reviewer(loop: Loop, label_studio: str) -> Reviewer:
    return Reviewer(label_studio, REVIEWER.token, loop.project.label_studio_id)


def is_whole(loop: Loop, reviewer: Reviewer) -> bool:
    """Every article is one task, and we know which."""
    tasks = reviewer.tasks()
    known = loop.outbox.confirmed(loop.project)
    return reviewer.count() == len(tasks) == ARTICLES and {task["id"] for task in tasks.values()} == set(known)


@pytest.mark.parametrize("request_of", [("POST", "/import"), ("GET", "/api/tasks")], ids=["import", "look-up"])
@pytest.mark.parametrize("fault", [fault for fault in Fault if fault not in (Fault.UNAUTHORIZED, Fault.DOUBLE_ERROR)])
def test_a_push_that_goes_wrong_is_mended_at_once(
    loop: Loop, reviewer: Reviewer, proxy: FaultProxy, fault: Fault, request_of: tuple[str, str]
) -> None:
    if fault is Fault.SILENCE_AFTER:
        loop.server = Server(proxy.url, REVIEWER.token, timeout=1.5)
    proxy.plan(*request_of, fault)
    loop.push()
    assert not proxy.planned
    assert is_whole(loop, reviewer)
    assert Queue(loop.engine).counts()[TaskState.PUSHED] == ARTICLES


def test_a_slow_import_that_is_done_after_all_leaves_no_second_tasks(
    loop: Loop, reviewer: Reviewer, proxy: FaultProxy
) -> None:
    """The first request seems to fail and the server does it twice, as when it was slow and we were impatient."""
    proxy.plan("POST", "/import", Fault.DOUBLE_ERROR)
    counts = loop.push()
    assert (counts.imported, counts.found, counts.surplus) == (0, ARTICLES, ARTICLES)
    assert is_whole(loop, reviewer)


def test_a_server_that_stays_away_costs_nothing(loop: Loop, reviewer: Reviewer, proxy: FaultProxy) -> None:
    proxy.plan("POST", "/import", *[Fault.ERROR_BEFORE] * 4)
    with pytest.raises(ServerAwayError, match="answers 500"):
        loop.push()
    assert Queue(loop.engine).counts()[TaskState.PUSHED] == ARTICLES  # planned, and nobody else's
    assert loop.push([]).imported == ARTICLES
    assert is_whole(loop, reviewer)


def test_a_refused_key_stops_at_once(loop: Loop, reviewer: Reviewer, proxy: FaultProxy) -> None:
    proxy.plan("POST", "/import", Fault.UNAUTHORIZED)
    with pytest.raises(LabelStudioError, match="refuses the key"):
        loop.push()
    assert sum("/import" in line for line in proxy.seen) == 1
    assert loop.push([]).imported == ARTICLES
    assert is_whole(loop, reviewer)


def test_a_pull_that_goes_wrong_loses_nothing(loop: Loop, reviewer: Reviewer, proxy: FaultProxy) -> None:
    loop.push()
    for task in reviewer.tasks().values():
        reviewer.answer(task, prediction(task))
    for fault in (Fault.ERROR_BEFORE, Fault.CUT_AFTER, Fault.HTML_AFTER):
        proxy.plan("GET", "/api/tasks", fault, skip=1)
        with pytest.raises(ServerAwayError):
            loop.pull()
        proxy.planned.clear()
    loop.pull()
    assert len(list(loop.reviews.readings())) == ARTICLES
    assert loop.reviews.verdicts()[Verdict.ACCEPTED] == ARTICLES
    assert loop.pull().verdicts == {}


def test_one_pushes_at_a_time(loop: Loop, reviewer: Reviewer, tmp_path: Path) -> None:
    other = Loop(tmp_path / "extractor.db", loop.server)
    taken = pytest.raises(LeaseTakenError, match="another program has the right to push")
    with loop.outbox.lease(loop.project), taken:
        other.push()
    assert other.push().imported == ARTICLES
    assert is_whole(loop, reviewer)


def test_two_that_push_at_once(loop: Loop, reviewer: Reviewer, tmp_path: Path) -> None:
    plans = loop.plans()
    refused: list[Exception] = []

    def push() -> None:
        try:
            Loop(tmp_path / "extractor.db", loop.server).push(plans)
        except LeaseTakenError as error:
            refused.append(error)

    threads = [threading.Thread(target=push) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) <= 2
    assert is_whole(loop, reviewer)


def test_two_that_pull_at_once(loop: Loop, reviewer: Reviewer, tmp_path: Path) -> None:
    loop.push()
    for task in reviewer.tasks().values():
        reviewer.answer(task, prediction(task))
    threads = [threading.Thread(target=Loop(tmp_path / "extractor.db", loop.server).pull) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loop.reviews.verdicts()[Verdict.ACCEPTED] == ARTICLES


def test_an_older_database_finds_its_tasks_again(loop: Loop, reviewer: Reviewer, tmp_path: Path) -> None:
    with loop.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(tmp_path / "extractor.db", tmp_path / "before.db")
    loop.push()
    tasks = list(reviewer.tasks().values())
    for task in tasks[:5]:
        reviewer.answer(task, prediction(task))
    loop.pull()

    restored = Loop(tmp_path / "before.db", loop.server)
    counts = restored.push(restored.plans()[:8])
    assert (counts.imported, counts.found) == (0, 8)
    pulled = restored.pull()  # of tasks, too, that it was not asked to push
    assert pulled.adopted == ARTICLES - 8
    assert pulled.verdicts == {Verdict.ACCEPTED: 5}
    assert is_whole(restored, reviewer)
    assert restored.reviews.origins() == loop.reviews.origins()


@pytest.mark.parametrize("command", ["push", "pull"])
def test_killed_at_any_moment(loop: Loop, reviewer: Reviewer, proxy: FaultProxy, tmp_path: Path, command: str) -> None:
    """Killed before, in, and after each of its requests, and started again, until it comes through."""
    if command == "pull":
        loop.push()
        for task in reviewer.tasks().values():
            reviewer.answer(task, prediction(task))
    kills = 0
    for requests in range(40):
        program = _start(command, tmp_path, proxy.url)
        before = len(proxy.seen)
        while program.poll() is None and len(proxy.seen) < before + requests // 2 + 1:
            time.sleep(0.001)
        time.sleep(0.05 * (requests % 2))
        if program.poll() is not None:
            break
        os.kill(program.pid, signal.SIGKILL)
        program.wait()
        kills += 1
    assert program.wait() == 0
    assert kills >= 3
    if command == "push":
        assert is_whole(loop, reviewer)
    else:
        assert loop.reviews.verdicts()[Verdict.ACCEPTED] == ARTICLES
        assert len(list(loop.reviews.readings())) == ARTICLES


def _start(command: str, folder: Path, url: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.reviewing_program", command, str(folder / "extractor.db"), url],
        cwd=ROOT,
        env={**os.environ, "LABEL_STUDIO_API_KEY": REVIEWER.token},
    )


def test_a_plan_is_made_once(loop: Loop) -> None:
    plans = loop.plans()
    assert loop.outbox.plan(loop.project, plans) == ARTICLES
    assert loop.outbox.plan(loop.project, [Plan(plan.annotation_id, "random") for plan in plans]) == 0
