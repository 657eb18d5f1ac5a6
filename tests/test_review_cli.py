"""`extractor review` as a user runs it, against a real Label Studio."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from models.outbox import Outbox
from models.tables import Purpose
from review.label_studio import Server
from review.local_server import free_port
from tests.conftest import REVIEWER
from tests.program import ENVIRONMENT, PROGRAM, Result, extractor, records
from tests.reviewing import Loop, Reviewer, awkward_annotation, prediction, regions, without

pytestmark = pytest.mark.slow
ARTICLES = 6


@pytest.fixture
def settings(label_studio: str) -> dict[str, str]:
    return {"LABEL_STUDIO_URL": label_studio, "LABEL_STUDIO_API_KEY": REVIEWER.token}


@pytest.fixture
def loop(tmp_path: Path, label_studio: str) -> Loop:
    server = Server(label_studio, REVIEWER.token)
    return Loop(tmp_path / "extractor.db", server, [awkward_annotation(number) for number in range(ARTICLES)])


@pytest.fixture
def review(tmp_path: Path, settings: dict[str, str]) -> Callable[..., Result]:
    return lambda *arguments: extractor("review", *arguments, folder=tmp_path, environment=settings)


def test_from_setup_to_export(loop: Loop, review: Callable[..., Result], tmp_path: Path) -> None:
    early = review("push")
    assert early.returncode == 1
    assert early.stderr.strip().endswith("run extractor review setup first")

    made = review("setup", "--title", f"Program {tmp_path.name}")
    assert made.returncode == 0, made.stderr
    assert "/projects/" in made.stderr
    pushed = review("push", "--count", "4")
    assert pushed.returncode == 0, pushed.stderr
    # Near-duplicates all: one of them is enough.
    assert pushed.stderr.startswith("1 articles pushed; 1 tasks wait")

    reviewer = Reviewer(loop.server.url, REVIEWER.token, loop.project.label_studio_id)
    (task,) = reviewer.tasks().values()
    assert reviewer.client.projects.get(id=reviewer.project).model_version == "starter"
    bad = {"id": "x", "from_name": "span", "to_name": "text", "type": "labels"}
    reviewer.answer(task, [*prediction(task), {**bad, "value": {"start": 9, "end": 3, "labels": ["Cue"]}}])
    pulled = review("pull")
    assert "1 corrected; 1 problems (see extractor review problems)" in pulled.stderr
    assert review("pull").stderr.strip().endswith("nothing new")

    (problem,) = records(review("problems", "--json").stdout)
    assert (problem["problem"], problem["quarantined"], problem["task"]) == ("out of bounds", True, task["id"])
    assert "out of bounds" in review("problems").stdout
    (record,) = records(review("export", "--with-text").stdout)
    assert (record["status"], record["reviewer"], record["checkpoint"]) == ("corrected", REVIEWER.email, "starter")
    assert len(record["quotations"]) == 2
    assert review("export", "--output", "reviewed.jsonl").returncode == 0
    assert records((tmp_path / "reviewed.jsonl").read_text("utf-8"))[0]["id"] == record["id"]
    assert "starter" in review("status").stdout
    assert review("export", "--blind").stdout == ""


def test_the_key_stays_secret_and_is_asked_for(loop: Loop, settings: dict[str, str], tmp_path: Path) -> None:
    without = extractor("review", "setup", folder=tmp_path, environment={**settings, "LABEL_STUDIO_API_KEY": ""})
    assert without.returncode == 1
    assert "set LABEL_STUDIO_API_KEY" in without.stderr
    extractor("review", "setup", "--title", f"Secret {tmp_path.name}", folder=tmp_path, environment=settings)
    extractor("review", "push", folder=tmp_path, environment=settings)
    assert REVIEWER.token.encode() not in b"".join(file.read_bytes() for file in tmp_path.iterdir())
    with sqlite3.connect(tmp_path / "extractor.db") as connection:
        assert REVIEWER.token not in "".join(connection.iterdump())


def test_a_changed_interface_is_shown(loop: Loop, review: Callable[..., Result], tmp_path: Path) -> None:
    review("setup", "--title", f"Changed {tmp_path.name}")
    project = loop.project
    loop.server.install_interface(project.label_studio_id, project.interface.replace("Source", "Origin"))
    refused = review("pull")
    assert refused.returncode == 1
    lines = refused.stderr.strip().splitlines()
    assert any(line.startswith("-") and "Source" in line for line in lines)
    assert any(line.startswith("+") and "Origin" in line for line in lines)
    assert lines[-1].startswith("error: the labelling interface of project")
    assert review("setup", "--reinstall").returncode == 0
    assert review("pull").returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_watch_pushes_pulls_and_stops_on_a_signal(
    loop: Loop, review: Callable[..., Result], settings: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    review("setup", "--title", f"Watched {tmp_path.name}")
    port = free_port()
    watch = _watch(settings, tmp_path, "--every", "600", "--webhook", str(port))
    try:
        reviewer = Reviewer(loop.server.url, REVIEWER.token, loop.project.label_studio_id)
        _until(lambda: len(reviewer.tasks()) == 1)
        (task,) = reviewer.tasks().values()
        reviewer.answer(task, prediction(task))
        time.sleep(0.5)
        urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}", b"{}"), timeout=10)
        _until(lambda: len(list(loop.reviews.readings())) == 1)
    finally:
        watch.send_signal(number)
        _, words = watch.communicate(timeout=60)
    assert watch.returncode == 0
    assert words.strip().splitlines()[-1] == "stopped"


def test_watch_waits_for_a_server_that_is_away(loop: Loop, tmp_path: Path) -> None:
    away = {"LABEL_STUDIO_URL": f"http://127.0.0.1:{free_port()}", "LABEL_STUDIO_API_KEY": "x"}
    Outbox(loop.engine).save_project(away["LABEL_STUDIO_URL"], 1, Purpose.REVIEW, "<View/>")
    watch = _watch(away, tmp_path, "--every", "0.2")
    assert watch.stderr
    lines = [watch.stderr.readline() for _ in range(3)]
    watch.send_signal(signal.SIGTERM)
    watch.communicate(timeout=60)
    assert watch.returncode == 0
    assert all("does not answer" in line and "trying again in" in line for line in lines)


def _watch(settings: dict[str, str], folder: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [PROGRAM, "review", "watch", *options],
        cwd=folder,
        env={**ENVIRONMENT, **settings},
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def _until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.3)


def test_two_reviewers_who_differ(
    loop: Loop, review: Callable[..., Result], settings: dict[str, str], tmp_path: Path
) -> None:
    assert review("setup", "--title", f"Agreement {tmp_path.name}").returncode == 0
    review("push", "--count", "1")
    alone = review("agreement")
    assert (alone.returncode, alone.stderr.strip()) == (0, "no article has been read by two reviewers")

    reviewer = Reviewer(loop.server.url, REVIEWER.token, loop.project.label_studio_id)
    second = f"second-{tmp_path.name}@example.org"
    other = reviewer.client.users.create(username=second, email=second, first_name="Second", last_name="Reader")
    (task,) = reviewer.tasks().values()
    said = prediction(task)
    reviewer.answer(task, said)
    content = max(regions(said, "Content"), key=lambda region: region["value"]["start"])
    reviewer.answer(task, without(said, content["id"]), completed_by=other.id)
    assert review("pull").returncode == 0

    (both,) = records(review("agreement", "--json").stdout)
    (figures,) = both["agreement"]
    assert set(figures["reviewers"]) == {REVIEWER.email, second}
    assert (figures["articles"], figures["found"], figures["first"] + figures["second"]) == (1, 1, 3)
    assert [found["differences"] for found in both["disagreements"]] == [["missing"]]
    table = review("agreement").stdout
    assert "Agreement" in table
    assert second in table
    assert "Disagreements" in table
    final = review("agreement", "--adjudicator", second)
    assert final.stderr.strip() == "no article has been read by two reviewers"
    assert len(records(review("export").stdout)) == 2
    (decided,) = records(review("export", "--adjudicator", second).stdout)
    settings["EXTRACTOR_ADJUDICATORS"] = second
    assert records(review("export").stdout) == [decided]
    assert (decided["reviewer"], len(decided["quotations"])) == (second, 1)


def test_gold_that_trains_is_found(loop: Loop, review: Callable[..., Result], tmp_path: Path) -> None:
    assert review("setup", "--blind", "--title", f"Blind {tmp_path.name}").returncode == 0
    assert review("setup", "--title", f"Seen {tmp_path.name}").returncode == 0
    assert review("push", "--blind", "--count", "1").returncode == 0
    blind = loop.outbox.project(loop.server.url, Purpose.BLIND)
    assert blind
    reviewer = Reviewer(loop.server.url, REVIEWER.token, blind.label_studio_id)
    (task,) = reviewer.tasks().values()
    assert not task["predictions"]
    reviewer.answer(
        task, [{"from_name": "status", "to_name": "text", "type": "choices", "value": {"choices": ["no quotations"]}}]
    )
    assert review("pull").returncode == 0
    assert review("export", "--blind", "--with-text", "--output", "blind.jsonl").returncode == 0
    measured = extractor("evaluate", "blind.jsonl", "--predicted", "blind.jsonl", "--json", folder=tmp_path)
    assert json.loads(measured.stdout)["systems"]["blind"]["articles"] == 1
    clean = review("leakage")
    assert (clean.returncode, clean.stderr.strip()) == (0, "1 gold articles against 0 that train: 0 leaks")
    (tmp_path / "train.jsonl").write_text(
        json.dumps({"id": "copy", "text": task["data"]["text"], "speakers": [], "statements": []}), "utf-8"
    )
    found = review("leakage", "train.jsonl")
    assert found.returncode == 1
    assert "1 gold articles against 1 that train: 1 leaks" in found.stderr
    assert "near-duplicate" in found.stdout or "equal" in found.stdout
