"""`extractor serve` over real HTTP, with the requests that Label Studio 1.23.2 sends."""

from __future__ import annotations

import base64
import json
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import pytest
import uvicorn

from extractor.document import Document
from review.backend import backend
from review.interface import our_interface
from tests.conftest import REVIEWER
from tests.program import ENVIRONMENT, PROGRAM, extractor

ARTICLES = sorted((Path(__file__).parents[1] / "seeds" / "articles").glob("*.txt"))
TOKEN = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"


def task(number: int, data: Any) -> dict[str, Any]:
    """As Label Studio sends one to /predict."""
    return {
        "id": number,
        "data": data,
        "meta": {},
        "created_at": "2026-01-24T19:16:56.390964Z",
        "updated_at": "2026-01-24T19:16:56.390982Z",
        "is_labeled": False,
        "overlap": 1,
        "inner_id": number,
        "total_annotations": 0,
        "project": 3,
        "file_upload": None,
        "annotations": [],
        "predictions": [],
    }


def prediction_request(*tasks: Any) -> dict[str, Any]:
    params = {"login": None, "password": None, "context": None}
    return {"tasks": list(tasks), "project": "3.1795547816", "label_config": our_interface(), "params": params}


def ask(
    place: str, path: str, body: Any = None, *, password: str = TOKEN, header: str | None = None
) -> tuple[int, Any]:
    """Status and answer; GET without a body."""
    credentials = base64.b64encode(f"extractor:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}" if header is None else header}
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    request = urllib.request.Request(place + path, data, {**headers, "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@contextmanager
def program(checkpoint: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`extractor serve`, listening, and where."""
    process = subprocess.Popen(
        [PROGRAM, "serve", "--port", "0", "--checkpoint", str(checkpoint), "--device", "cpu"],
        env={**ENVIRONMENT, "EXTRACTOR_SERVE_TOKEN": TOKEN},
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        found = re.search(r"http://\S+:\d+", line)
        assert found, line + process.stderr.read()
        yield process, found[0]
    finally:
        process.terminate()
        process.wait(20)
        process.stderr.close()


@pytest.fixture(scope="module")
def served(small_checkpoint: Path) -> Iterator[str]:
    with program(small_checkpoint) as (_, place):
        yield place


@contextmanager
def serving(predict: Any) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(backend(predict, lambda: "mine", TOKEN), log_level="critical"))
        thread = Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)


def test_health_setup_and_versions(served: str) -> None:
    assert ask(served, "/health") == (200, {"status": "UP", "model_class": "extractor"})
    body: dict[str, Any] = {"project": "3.1795547816", "schema": our_interface(), "hostname": ""}
    body |= {"access_token": "k", "extra_params": None}
    assert ask(served, "/setup", body) == (200, {"model_version": "talkative"})
    assert ask(served, "/versions") == (200, {"versions": ["talkative"]})


def test_a_project_with_another_interface_is_refused(served: str) -> None:
    other = {"project": "3.1795547816", "schema": "<View><Text name='text' value='$text'/></View>"}
    status, said = ask(served, "/setup", other)
    assert status == 400
    assert "extractor review setup" in said


def test_predictions_on_seed_articles_point_into_their_text(served: str) -> None:
    texts = ["😀🎉 " + path.read_text("utf-8") for path in ARTICLES]
    tasks = [task(i, {"text": text, "doc_id": f"a{i}", "title": "عنوان"}) for i, text in enumerate(texts)]
    status, answer = ask(served, "/predict", prediction_request(*tasks))
    assert status == 200
    assert len(answer["results"]) == len(texts)
    for text, result in zip(texts, answer["results"], strict=True):
        regions = [item for item in result["result"] if item["type"] == "labels"]
        assert regions
        for region in regions:
            value = region["value"]
            assert text[value["start"] : value["end"]] == value["text"]
        assert result["model_version"] == "talkative"
        assert 0 <= result["score"] <= 1


@pytest.mark.parametrize(
    "bad",
    [
        task(2, {"body": "قال"}),
        task(2, {"text": 7}),
        task(2, {"text": None}),
        task(2, "text"),
        {"id": 2},
        None,
        task(2, {"text": "نصف \ud83d"}),
    ],
)
def test_a_bad_task_costs_no_other_its_prediction(served: str, bad: Any) -> None:
    good = task(1, {"text": ARTICLES[0].read_text("utf-8")})
    status, answer = ask(served, "/predict", prediction_request(good, bad, good))
    assert status == 200
    first, wrong, last = answer["results"]
    assert first == last
    assert first["result"]
    assert set(wrong) == {"error"}  # without "result" Label Studio stores no prediction


def test_empty_text_has_no_quotations(served: str) -> None:
    status, answer = ask(served, "/predict", prediction_request(task(1, {"text": ""})))
    assert status == 200
    assert not [item for item in answer["results"][0]["result"] if item["type"] != "choices"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"tasks": 3}', b'{"task": []}'])
def test_what_is_no_request_is_refused(served: str, body: bytes) -> None:
    assert ask(served, "/predict", body)[0] == 400


@pytest.mark.parametrize("path", ["/health", "/setup", "/predict", "/versions", "/webhook", "/"])
def test_nothing_is_answered_without_the_token(served: str, path: str) -> None:
    wrong = ["", "Basic", "Basic !", "Basic Zm9v", f"Bearer {TOKEN}", TOKEN, "Basic \xe9"]
    assert {ask(served, path, header=header)[0] for header in wrong} == {401}
    assert ask(served, path, password=TOKEN[:-1])[0] == 401
    assert ask(served, path, password="")[0] == 401


def test_an_unknown_path_is_404(served: str) -> None:
    assert ask(served, "/webhook", {"action": "ANNOTATION_CREATED"})[0] == 404


def test_a_failing_tagger_costs_no_other_task_its_prediction() -> None:
    def predict(document: Document) -> Mapping[str, Any]:
        if document.raw == "bad":
            raise ZeroDivisionError("secret words")
        return {"result": [], "score": 1.0}

    with serving(predict) as place:
        tasks = [task(i, {"text": text}) for i, text in enumerate(["good", "bad", "good"])]
        status, answer = ask(place, "/predict", prediction_request(*tasks))
    assert status == 200
    assert answer["results"][1] == {"error": "the tagger failed: ZeroDivisionError"}
    assert answer["results"][0] == answer["results"][2] == {"result": [], "score": 1.0}


def test_one_task_at_a_time_and_health_meanwhile() -> None:
    inside, most = Lock(), []

    def predict(document: Document) -> Mapping[str, Any]:
        most.append(inside.acquire(blocking=False))
        time.sleep(0.2)
        inside.release()
        return {"result": [], "score": 1.0}

    with serving(predict) as place, ThreadPoolExecutor(8) as pool:
        body = prediction_request(*[task(i, {"text": "قال"}) for i in range(3)])
        answers = [pool.submit(ask, place, "/predict", body) for _ in range(4)]
        time.sleep(0.1)
        began = time.monotonic()
        assert ask(place, "/health")[0] == 200
        assert time.monotonic() - began < 1  # Label Studio waits no longer
        assert all(answer.result()[0] == 200 for answer in answers)
    assert most == [True] * 12


def test_whoever_has_hung_up_is_tagged_for_no_longer() -> None:
    done: list[str] = []

    def predict(document: Document) -> Mapping[str, Any]:
        done.append(document.id)
        time.sleep(0.3)
        return {"result": [], "score": 1.0}

    with serving(predict) as place:
        host, port = place.removeprefix("http://").split(":")
        body = json.dumps(prediction_request(*[task(i, {"text": "قال"}) for i in range(50)])).encode()
        credentials = base64.b64encode(f":{TOKEN}".encode()).decode()
        with socket.create_connection((host, int(port))) as connection:
            head = f"POST /predict HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic {credentials}\r\n"
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            time.sleep(0.5)
        time.sleep(1)
        assert ask(place, "/predict", prediction_request(task(99, {"text": "قال"})))[0] == 200
    assert len(done) < 8
    assert done[-1] == "99"


@pytest.mark.parametrize("token", ["", "short", "كلمة سر طويلة بما يكفي", "a" * 15 + "\n" + "b" * 5])
def test_a_poor_token_is_a_mistake_to_mend(token: str) -> None:
    result = extractor("serve", environment={"EXTRACTOR_SERVE_TOKEN": token})
    assert result.returncode == 1
    assert result.stderr.startswith("error: EXTRACTOR_SERVE_TOKEN is ")
    assert result.stderr.count("\n") == 1
    assert not token or token not in result.stderr


def test_a_taken_port_is_a_mistake_to_mend() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = extractor("serve", "--port", port, environment={"EXTRACTOR_SERVE_TOKEN": TOKEN})
    assert result.returncode == 1
    assert f"cannot listen at 127.0.0.1, port {port} (Address already in use): choose" in result.stderr
    assert result.stderr.count("\n") == 1


def test_an_interrupt_ends_it_well_and_the_token_is_nowhere(small_checkpoint: Path) -> None:
    with program(small_checkpoint) as (process, place):
        assert ask(place, "/health")[0] == 200
        assert ask(place, "/health", password="wrong")[0] == 401
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == "stopped\n"


@pytest.mark.slow
def test_a_real_label_studio_stores_predictions_where_they_belong(served: str, label_studio: str) -> None:
    def studio(path: str, body: Any = None) -> Any:
        status, answer = ask(label_studio, path, body, header=f"Token {REVIEWER.token}")
        assert status < 300, answer
        return answer

    project = studio("/api/projects", {"title": "live suggestions", "label_config": our_interface()})["id"]
    texts = ["😀🎉 " + path.read_text("utf-8") for path in ARTICLES]
    imported = studio(f"/api/projects/{project}/import?return_task_ids=1", [{"data": {"text": text}} for text in texts])
    settings = {
        "project": project,
        "url": served,
        "title": "talkative",
        "is_interactive": True,
        "auth_method": "BASIC_AUTH",
        "basic_auth_user": "extractor",
        "basic_auth_pass": TOKEN,
    }
    connected = studio("/api/ml/", settings)
    assert (connected["readable_state"], connected["model_version"]) == ("Connected", "talkative")
    everything = {"selectedItems": {"all": True, "excluded": []}}
    studio(f"/api/dm/actions?id=retrieve_tasks_predictions&project={project}", everything)
    studio(f"/api/dm/actions?id=retrieve_tasks_predictions&project={project}", everything)
    for number, text in zip(imported["task_ids"], texts, strict=True):
        (stored,) = studio(f"/api/tasks/{number}")["predictions"]
        assert stored["model_version"] == "talkative"
        regions = [item["value"] for item in stored["result"] if item["type"] == "labels"]
        assert regions
        assert all(text[region["start"] : region["end"]] == region["text"] for region in regions)
    asked = studio(
        f"/api/ml/{connected['id']}/interactive-annotating", {"task": imported["task_ids"][0], "context": {}}
    )
    assert asked["data"]["model_version"] == "talkative"
