"""`extractor run` stopped half way: the same command goes on, and in the end nothing is lost or doubled."""

from __future__ import annotations

import json
import random
import signal
import time
from pathlib import Path

import pytest

from tests.program import annotated, counts, extractor, records, rows, start

ARTICLES = 700  # short ones: eleven transactions, a few seconds
KILLS = 2
_SPANS = """
    SELECT sha256, public_id, position, role, repeat, part, spans.start, spans."end" FROM spans
    JOIN quotations ON quotations.id = quotation_id JOIN annotations ON annotations.id = annotation_id
    JOIN articles ON articles.id = article_id ORDER BY 1, 3, 4, 5, 6
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, small_checkpoint: Path) -> Path:
    """A folder with ``articles.jsonl`` and what an uninterrupted run makes of it."""
    folder = tmp_path_factory.mktemp("whole")
    with (folder / "articles.jsonl").open("w", encoding="utf-8") as file:
        for i in range(ARTICLES):
            text = f"قال الوزير رقم {i}: «انتهى الأمر»."
            file.write(json.dumps({"id": i, "text": text}, ensure_ascii=False) + "\n")
    done = extractor(*_command(folder, small_checkpoint), folder=folder)
    assert done.returncode == 0, done.stderr
    assert len(records((folder / "out.jsonl").read_text("utf-8"))) == annotated(folder / "extractor.db") == ARTICLES
    return folder


def _command(whole: Path, checkpoint: Path) -> list[str | Path]:
    return ["run", whole / "articles.jsonl", "--output", "out.jsonl", "--checkpoint", checkpoint]


def _stop(command: list[str | Path], folder: Path, how: signal.Signals, after: int) -> tuple[int, str]:
    """Stops it some moments after more than so many articles are kept; its exit status and its words."""
    process = start(*command, folder=folder)
    deadline = time.monotonic() + 60
    while annotated(folder / "extractor.db") <= after and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(random.uniform(0, 0.1))
    process.send_signal(how)
    _, words = process.communicate(timeout=60)
    return process.returncode, words


def _same_in_the_end(whole: Path, folder: Path, command: list[str | Path]) -> None:
    kept = annotated(folder / "extractor.db")
    done = extractor(*command, folder=folder)
    assert done.returncode == 0, done.stderr
    assert f"({ARTICLES - kept} newly read, {kept} known)" in done.stderr
    assert (folder / "out.jsonl").read_bytes() == (whole / "out.jsonl").read_bytes()
    assert not (folder / "out.jsonl.part").exists()
    assert counts(folder / "extractor.db") == counts(whole / "extractor.db")
    assert rows(folder / "extractor.db", _SPANS) == rows(whole / "extractor.db", _SPANS)
    assert rows(folder / "extractor.db", "PRAGMA integrity_check") == [("ok",)]
    assert rows(folder / "extractor.db", "PRAGMA foreign_key_check") == []


def test_a_run_that_is_killed_continues(whole: Path, tmp_path: Path, small_checkpoint: Path) -> None:
    command = _command(whole, small_checkpoint)
    kept = 0
    for _ in range(KILLS):
        status, _ = _stop(command, tmp_path, signal.SIGKILL, kept)
        assert status == -signal.SIGKILL
        assert kept < annotated(tmp_path / "extractor.db") < ARTICLES
        kept = annotated(tmp_path / "extractor.db")
        assert not (tmp_path / "out.jsonl").exists()
    _same_in_the_end(whole, tmp_path, command)
    finished = rows(tmp_path / "extractor.db", "SELECT finished_at IS NOT NULL FROM runs ORDER BY id")
    assert finished == [(0,)] * KILLS + [(1,)]


def test_an_interrupt_is_one_line(whole: Path, tmp_path: Path, small_checkpoint: Path) -> None:
    command = _command(whole, small_checkpoint)
    status, words = _stop(command, tmp_path, signal.SIGINT, 0)
    assert status == 130
    assert words == "interrupted; what was done is kept: run the same command again to continue\n"
    assert 0 < annotated(tmp_path / "extractor.db") < ARTICLES
    assert len(records((tmp_path / "out.jsonl.part").read_text("utf-8"))) <= annotated(tmp_path / "extractor.db")
    _same_in_the_end(whole, tmp_path, command)
