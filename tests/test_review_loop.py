"""Push, review and pull on a real Label Studio."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from extractor.annotation import Annotation, annotation_as_dict
from extractor.quotation import Role
from models.outbox import Outbox
from models.reviews import Reviewed
from models.tables import Origin, Purpose, TaskState, Verdict
from review.corrections import read_correction
from review.export import reviewed_as_dict
from review.interface import InterfaceChangedError, our_interface, set_up
from review.label_studio import LabelStudioError, Server
from review.pull import Puller
from review.push import Pusher
from review.queue import Queue
from review.tasks import Result, sent
from tests.conftest import REVIEWER
from tests.reviewing import Loop, Reviewer, awkward_annotation, gold_annotations, prediction, regions, without

pytestmark = pytest.mark.slow


@pytest.fixture
def server(label_studio: str) -> Server:
    return Server(label_studio, REVIEWER.token)


@pytest.fixture
def loop(tmp_path: Path, server: Server) -> Callable[..., Loop]:
    """A new database with these annotations, and a new project."""

    def make(*annotations: Annotation) -> Loop:
        made = Loop(tmp_path / "extractor.db", server, annotations)
        set_up(server, made.outbox, Purpose.REVIEW, title=f"Test {tmp_path.parent.name} {tmp_path.name}")
        return made

    return make


def reviewer_of(loop: Loop) -> Reviewer:
    return Reviewer(loop.server.url, REVIEWER.token, loop.project.label_studio_id)


def readings(loop: Loop) -> dict[str, Reviewed]:
    return {reading.annotation.document.id: reading for reading in loop.reviews.readings()}


def shorten(result: Result) -> Result:
    """As a reviewer drags the end of the first content."""
    region = next(regions(result, "Content"))
    for item in result:
        if item.get("id") == region["id"]:
            item["value"]["end"] -= 1
            item["origin"] = "prediction-changed"
    return result


def test_every_kind_of_answer_is_told_apart(loop: Callable[..., Loop]) -> None:
    articles = [replace(a, document=replace(a.document, id=f"a{i}")) for i, a in enumerate(gold_annotations()[:9])]
    articles.append(awkward_annotation())
    there = loop(*articles)
    counts = there.push()
    assert (counts.imported, counts.found, counts.surplus) == (10, 0, 0)
    reviewer = reviewer_of(there)
    tasks = reviewer.tasks()
    by_id = {article.document.id: (article, tasks[article.document.sha256]) for article in articles}

    def answer(name: str, change: Callable[[Result], Result] = lambda result: result, **options: Any) -> int:
        return reviewer.answer(by_id[name][1], change(prediction(by_id[name][1])), **options)

    accepted = answer("awkward-0")
    answer("a0", shorten)
    answer("a1", lambda result: without(result, next(regions(result, "Content"))["id"]))
    answer("a2", lambda result: [])
    answer("a3", lambda result: [{**result[0], "value": {"choices": ["bad text"]}}])
    answer("a4", was_cancelled=True)
    deleted = answer("a5")
    redone = answer("a6", shorten)

    pulled = there.pull()
    assert pulled.verdicts == {
        Verdict.ACCEPTED: 2,
        Verdict.CORRECTED: 3,
        Verdict.NO_QUOTATIONS: 1,
        Verdict.REJECTED: 1,
        Verdict.SKIPPED: 1,
    }
    assert (pulled.problems, pulled.unknown, pulled.adopted) == (2, 0, 0)  # two boundaries that cut a word
    assert there.pull().verdicts == {}

    reviewer.client.annotations.delete(id=deleted)
    reviewer.client.annotations.update(id=redone, result=prediction(by_id["a6"][1]))
    again = there.pull()
    assert again.verdicts == {Verdict.DELETED: 1, Verdict.ACCEPTED: 1}

    found = readings(there)
    assert found.keys() == {"awkward-0", "a0", "a1", "a2", "a6"}
    for name in ("awkward-0", "a6"):
        assert found[name].annotation.quotations == tuple(replace(q, confidence=1.0) for q in by_id[name][0].quotations)
    assert found["a2"].annotation.quotations == ()
    assert found["awkward-0"].label_studio_id == accepted
    assert {reading.reviewer for reading in found.values()} == {REVIEWER.email}
    assert {reading.interface_sha256 for reading in found.values()} == {found["a0"].interface_sha256}
    assert Queue(there.engine).counts() == {
        TaskState.PENDING: 0,
        TaskState.PUSHED: 2,  # nobody looked at them
        TaskState.REVIEWED: 7,
        TaskState.SKIPPED: 1,
    }
    _origins_add_up(there, [by_id[name][0] for name in found])
    _exports_are_true(there)


def _origins_add_up(there: Loop, articles: list[Annotation]) -> None:
    counts = there.reviews.origins()["starter"]
    sent_regions = Counter(region.role for article in articles for region in sent(article).regions.values())
    for role in Role:
        assert sum(counts.get((role, origin), 0) for origin in Origin if origin != Origin.ADDED) == sent_regions[role]
    assert counts[Role.CONTENT, Origin.CHANGED] == 1


def _exports_are_true(there: Loop) -> None:
    for reading in there.reviews.readings():
        record = reviewed_as_dict(reading)
        assert record.items() >= annotation_as_dict(reading.annotation).items()
        assert record["checkpoint"] == "starter"
        assert record.keys() >= {"status", "reviewer", "reviewed_at", "label_studio_task"}
        raw = reading.annotation.document.raw
        for quotation in record["quotations"]:
            for span in (*quotation["content"], quotation["cue"], quotation["source"]):
                assert span is None or raw[span["start"] : span["end"]] == span["text"]


def test_drafts_are_no_labels(loop: Callable[..., Loop]) -> None:
    there = loop(awkward_annotation())
    there.push()
    reviewer = reviewer_of(there)
    (task,) = reviewer.tasks().values()
    _post(reviewer, f"api/tasks/{task['id']}/drafts", {"result": prediction(task), "lead_time": 1})
    assert _post(reviewer, f"api/tasks/{task['id']}/drafts", None)
    assert there.pull().verdicts == {}


def _post(reviewer: Reviewer, path: str, body: Any) -> Any:
    client = reviewer.client._client_wrapper.httpx_client
    answer = client.request(path, method="POST" if body else "GET", json=body)
    assert answer.status_code < 300
    return answer.json()


def test_bad_regions_are_quarantined_and_the_rest_goes_on(loop: Callable[..., Loop]) -> None:
    annotation = awkward_annotation()
    there = loop(annotation)
    there.push()
    reviewer = reviewer_of(there)
    (task,) = reviewer.tasks().values()
    bad = {"id": "x", "from_name": "span", "to_name": "text", "type": "labels"}
    result = prediction(task)
    result.append({**bad, "value": {"start": 5, "end": 99999, "labels": ["Content"]}})
    result.append({"type": "relation", "from_id": "cue-0-1", "to_id": "x", "direction": "right"})
    reviewer.answer(task, result)
    assert there.pull().verdicts == {Verdict.CORRECTED: 1}
    (reading,) = there.reviews.readings()
    assert len(reading.annotation.quotations) == 2
    assert [trouble.trouble.fault for trouble in there.reviews.troubles()] == ["out of bounds", "dangling relation"]


def test_a_text_that_was_changed_on_the_server_gives_no_label(loop: Callable[..., Loop]) -> None:
    there = loop(awkward_annotation())
    there.push()
    reviewer = reviewer_of(there)
    (task,) = reviewer.tasks().values()
    reviewer.client.tasks.update(id=str(task["id"]), data={**task["data"], "text": task["data"]["text"][1:]})
    reviewer.answer(task, prediction(task))
    assert there.pull().verdicts == {Verdict.UNCLEAR: 1}
    assert [trouble.trouble.fault for trouble in there.reviews.troubles()] == ["text changed"]


def test_setup_again_changes_nothing_and_a_changed_interface_is_refused(
    loop: Callable[..., Loop], tmp_path: Path, server: Server
) -> None:
    there = loop(awkward_annotation())
    project = there.project
    assert set_up(server, there.outbox, Purpose.REVIEW).id == project.label_studio_id
    other = Outbox(Loop(tmp_path / "new.db", server).engine)
    title = f"Test {tmp_path.parent.name} {tmp_path.name}"
    assert set_up(server, other, Purpose.REVIEW, title=title).id == project.label_studio_id

    server.install_interface(project.label_studio_id, our_interface().replace("Cue", "Verb"))
    for action in (there.push, there.pull, lambda: set_up(server, there.outbox, Purpose.REVIEW)):
        with pytest.raises(InterfaceChangedError, match="was changed on the server") as caught:
            action()
        assert '-    <Label value="Cue"'.replace("    ", "") in caught.value.difference
    set_up(server, there.outbox, Purpose.REVIEW, reinstall=True)
    assert there.push().imported == 1


def test_tasks_deleted_on_the_server_are_noticed(loop: Callable[..., Loop]) -> None:
    there = loop(*(awkward_annotation(number) for number in range(3)))
    there.push()
    reviewer = reviewer_of(there)
    done, lost, _ = reviewer.tasks().values()
    reviewer.answer(done, prediction(done))
    there.pull()
    for task in (done, lost):
        reviewer.client.tasks.delete(id=str(task["id"]))
    assert there.pull().gone == 2
    assert len(list(there.reviews.readings())) == 1
    assert there.pull().gone == 0


def test_blind_tasks_come_back_as_gold(tmp_path: Path, server: Server) -> None:
    there = Loop(tmp_path / "extractor.db", server, [awkward_annotation()])
    set_up(server, there.outbox, Purpose.BLIND, title=f"Blind {tmp_path.parent.name}")
    project = there.outbox.project(server.url, Purpose.BLIND)
    assert project
    Pusher(server, there.outbox, project).push(there.plans())
    reviewer = Reviewer(server.url, REVIEWER.token, project.label_studio_id)
    (task,) = reviewer.tasks().values()
    assert not task["predictions"]
    region = {"id": "x", "from_name": "span", "to_name": "text", "type": "labels"}
    reviewer.answer(task, [{**region, "value": {"start": 0, "end": 5, "labels": ["Content"]}}])
    assert Puller(server, there.outbox, there.reviews, project).pull().verdicts == {Verdict.CORRECTED: 1}
    (reading,) = there.reviews.readings()
    assert reading.purpose is Purpose.BLIND
    assert there.reviews.origins() == {}


def test_a_wrong_key_and_a_wrong_address(label_studio: str) -> None:
    with pytest.raises(LabelStudioError, match=r"refuses the key \(401\): set LABEL_STUDIO_API_KEY") as caught:
        Server(label_studio, "not-a-key").project(1)
    assert "not-a-key" not in str(caught.value)
    with pytest.raises(LabelStudioError, match="does not answer"):
        Server("http://127.0.0.1:9", "x").project(1)
    with pytest.raises(LabelStudioError, match="was the project deleted"):
        Server(label_studio, REVIEWER.token).project(99999)


def test_the_result_is_kept_as_it_came(loop: Callable[..., Loop]) -> None:
    annotation = awkward_annotation()
    there = loop(annotation)
    there.push()
    reviewer = reviewer_of(there)
    (task,) = reviewer.tasks().values()
    result = prediction(task)
    reviewer.answer(task, result)
    there.pull()
    with there.engine.connect() as connection:
        (kept,) = connection.execute(text("SELECT result FROM reviews")).scalars()
    assert read_correction(json.loads(kept), annotation.document.raw, sent(annotation)).verdict is Verdict.ACCEPTED
