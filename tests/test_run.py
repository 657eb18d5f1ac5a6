"""`extractor run` as a user runs it: the installed program, real files, real databases."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.stories import articles

PROGRAM = str(Path(sys.executable).parent / "extractor")
KEYS = ["id", "path", "sha256", "title", "checkpoint", "quotations"]
QUOTATION_KEYS = ["id", "type", "content", "cue", "source", "speaker", "via", "confidence"]

Result = subprocess.CompletedProcess[str]
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, small_checkpoint: Path) -> Run:
    """Runs `extractor run` in a folder of its own with the small checkpoint."""

    def call(*arguments: str | Path, given: str = "") -> Result:
        command = [PROGRAM, "run", *map(str, arguments)]
        if "--checkpoint" not in arguments:
            command += ["--checkpoint", str(small_checkpoint)]
        return subprocess.run(
            command, cwd=tmp_path, input=given, capture_output=True, text=True, timeout=120, check=False
        )

    return call


@pytest.fixture
def news(tmp_path: Path) -> Path:
    """A folder of twelve articles, one of them with Windows line ends."""
    folder = tmp_path / "news"
    folder.mkdir()
    for i, article in enumerate(articles(12)):
        raw = article.document.raw.replace("\n", "\r\n") if i == 3 else article.document.raw
        (folder / f"{i:02}.txt").write_bytes(raw.encode())
    return folder


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.split("\n") if line]


def rows(database: Path, query: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(database)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def counts(database: Path) -> dict[str, int]:
    tables = ("articles", "annotations", "quotations", "spans", "review_tasks")
    return {table: rows(database, f"SELECT count(*) FROM {table}")[0][0] for table in tables}


def spans(record: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for quotation in record["quotations"]:
        found += quotation["content"]
        found += [span for place in quotation.get("repeats", []) for span in place]
        found += [span for span in (quotation["cue"], quotation["source"]) if span]
    return found


def test_the_output_keeps_the_contract(run: Run, news: Path) -> None:
    done = run("news")
    assert done.returncode == 0
    found = records(done.stdout)
    assert [record["id"] for record in found] == [f"{i:02}" for i in range(12)]
    assert sum(len(record["quotations"]) for record in found) > 12
    for record in found:
        assert list(record) == KEYS
        raw = Path(news / f"{record['id']}.txt").read_bytes().decode()
        assert spans(record) or not record["quotations"]
        assert all(raw[span["start"] : span["end"]] == span["text"] for span in spans(record))
        for quotation in record["quotations"]:
            assert list(quotation)[: len(QUOTATION_KEYS)] == QUOTATION_KEYS


def test_in_a_pipe_there_is_json_on_one_side_and_a_line_of_words_on_the_other(run: Run, news: Path) -> None:
    done = run("news")
    assert len(done.stderr.strip().split("\n")) == 1
    assert "12 newly read" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr


def test_a_second_run_tags_nothing_and_says_the_same(run: Run, news: Path, tmp_path: Path) -> None:
    first = run("news")
    before = counts(tmp_path / "extractor.db")
    second = run("news")
    assert second.stdout == first.stdout
    assert "0 newly read, 12 known" in second.stderr
    assert counts(tmp_path / "extractor.db") == before
    assert before["annotations"] == before["articles"] == before["review_tasks"] == 12


def test_the_same_text_in_two_files_is_one_article_seen_twice(run: Run, news: Path, tmp_path: Path) -> None:
    (news / "again.txt").write_bytes((news / "00.txt").read_bytes())
    found = records(run("news").stdout)
    assert len(found) == 13
    assert counts(tmp_path / "extractor.db")["articles"] == 12
    assert rows(tmp_path / "extractor.db", "SELECT count(*) FROM sightings") == [(13,)]


def test_another_checkpoint_annotates_beside_the_first(
    run: Run, news: Path, tmp_path: Path, trained_checkpoint: Path
) -> None:
    run("news")
    before = rows(tmp_path / "extractor.db", "SELECT * FROM quotations ORDER BY id")
    run("news", "--checkpoint", trained_checkpoint)
    after = rows(tmp_path / "extractor.db", "SELECT * FROM quotations ORDER BY id")
    assert after[: len(before)] == before
    assert rows(tmp_path / "extractor.db", "SELECT count(*) FROM annotations") == [(24,)]
    known_by_name = run("news", "--checkpoint", "by-heart")
    assert "0 newly read" in known_by_name.stderr


def test_bad_inputs_are_named_counted_and_recorded(run: Run, news: Path, tmp_path: Path) -> None:
    (news / "empty.txt").write_bytes(b"")
    (news / "picture.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    (news / "broken.jsonl").write_text('{"id": "a", "text": "قال الوزير إن الأمر انتهى."}\n{"id": \n', "utf-8")
    done = run("news", "missing.txt")
    assert done.returncode == 3
    assert len(records(done.stdout)) == 13
    lines = [line for line in done.stderr.split("\n") if line.startswith("not read: ")]
    assert len(lines) == 4
    assert all(any(name in line for line in lines) for name in ("empty.txt", "picture.txt", "broken.jsonl", "missing"))
    assert "4 inputs not read" in done.stderr
    assert rows(tmp_path / "extractor.db", "SELECT count(*) FROM failures") == [(4,)]
    assert rows(tmp_path / "extractor.db", "SELECT annotated, failed FROM runs") == [(13, 4)]


def test_columns_by_name_and_standard_input(run: Run) -> None:
    line = json.dumps({"key": 7, "body": "قال الوزير إن الأمر انتهى.", "head": "عنوان"}, ensure_ascii=False)
    options = ("--text-column", "body", "--id-column", "key", "--title-column", "head", "--no-queue", "--with-text")
    (found,) = records(run("-", *options, given=line + "\n").stdout)
    assert (found["id"], found["title"], found["text"]) == ("7", "عنوان", "قال الوزير إن الأمر انتهى.")


def test_output_goes_to_its_file_at_once_and_a_table_can_be_had(run: Run, news: Path, tmp_path: Path) -> None:
    done = run("news", "--output", "out.jsonl", "--format", "table", "--no-queue")
    assert "what was said" in done.stdout
    assert len(records((tmp_path / "out.jsonl").read_text("utf-8"))) == 12
    assert not (tmp_path / "out.jsonl.part").exists()
    assert not (tmp_path / "extractor.db").exists()


def test_less_sure_quotations_can_be_left_out_but_are_kept(run: Run, news: Path, tmp_path: Path) -> None:
    sure = records(run("news", "--min-confidence", "0.2").stdout)
    everything = records(run("news").stdout)
    confident = [q for record in everything for q in record["quotations"] if q["confidence"] >= 0.2]
    assert [q for record in sure for q in record["quotations"]] == confident
    assert counts(tmp_path / "extractor.db")["quotations"] == sum(len(record["quotations"]) for record in everything)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--checkpoint", "nowhere"), "nowhere"),
        (("--database", "news"), "news"),
        (("--database", "postgresql://user:secret@127.0.0.1:1/x"), "127.0.0.1"),
        (("--output", "no/such/folder/out.jsonl"), "no/such/folder"),
    ],
)
def test_what_a_user_can_mend_is_one_line(run: Run, news: Path, arguments: tuple[str, ...], said: str) -> None:
    done = run("news", *arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert "secret" not in done.stderr


def test_a_wrong_option_is_exit_2(run: Run) -> None:
    assert run("news", "--frmat", "jsonl").returncode == 2


def test_a_reader_that_goes_away_is_no_accident(news: Path, tmp_path: Path, small_checkpoint: Path) -> None:
    command = f"{PROGRAM} run news --no-queue --checkpoint {small_checkpoint} | head -c 10"
    done = subprocess.run(command, cwd=tmp_path, shell=True, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_continues(kill: signal.Signals, run: Run, tmp_path: Path, small_checkpoint: Path) -> None:
    with (tmp_path / "many.jsonl").open("w", encoding="utf-8") as file:
        for i, article in enumerate(articles(600)):
            file.write(json.dumps({"id": i, "text": article.document.raw}, ensure_ascii=False) + "\n")
    database = tmp_path / "extractor.db"
    command = [PROGRAM, "run", "many.jsonl", "--output", "out.jsonl", "--checkpoint", str(small_checkpoint)]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (not database.exists() or not _annotated(database)):
        time.sleep(0.05)
    process.send_signal(kill)
    _, words = process.communicate(timeout=60)
    interrupted = _annotated(database)
    assert 0 < interrupted < 600
    if kill is signal.SIGINT:
        assert process.returncode == 130
        assert words.startswith("interrupted")
        assert "Traceback" not in words
    finished = run("many.jsonl", "--output", "out.jsonl")
    assert f"{600 - interrupted} newly read, {interrupted} known" in finished.stderr
    whole = run("many.jsonl", "--output", "whole.jsonl", "--database", "whole.db")
    assert whole.returncode == 0
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert counts(database) == counts(tmp_path / "whole.db")
    assert rows(database, "PRAGMA integrity_check") == [("ok",)]


def _annotated(database: Path) -> int:
    try:
        return int(rows(database, "SELECT count(*) FROM annotations")[0][0])
    except sqlite3.OperationalError:
        return 0


def test_help_starts_at_once_and_loads_no_torch() -> None:
    took = []
    for _ in range(3):
        began = time.monotonic()
        subprocess.run([PROGRAM, "--help"], capture_output=True, check=True)
        took.append(time.monotonic() - began)
    assert min(took) < 1.0  # 0.36 s on an idle machine; tests share theirs
    loaded = (
        "import sys, extractor.cli; print([m for m in ('torch', 'transformers', 'sqlalchemy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("command", ["run", "train", "evaluate"])
def test_every_command_shows_an_example(command: str) -> None:
    done = subprocess.run([PROGRAM, command, "--help"], capture_output=True, text=True, check=True)
    assert "Example: extractor " + command in " ".join(done.stdout.split())
