"""`extractor run`: real files in, JSON and rows out.

A folder of news is tagged once; each test has a copy with its database, where nothing is left to tag, and is quick.
"""

from __future__ import annotations

import csv
import json
import os
import pty
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.program import ENVIRONMENT, PROGRAM, Result, annotated, counts, extractor, records, rows, spans
from tests.stories import articles

KEYS = ["id", "path", "sha256", "title", "checkpoint", "quotations"]
QUOTATION_KEYS = ["id", "type", "content", "cue", "source", "speaker", "via", "confidence"]
IDS = ["line", "page", "row-1", "row-2", "windows-1256", "windows", "cell", "deep"]
TEXTS = dict(zip(IDS, (article.document.raw for article in articles(len(IDS))), strict=True))
TEXTS["windows"] = TEXTS["windows"].replace("\n", "\r\n")
TEXTS["page"] = "\n".join((f"عنوان الصفحة\n{TEXTS['page']}", "وتنتهي الصفحة بجملة طويلة عن المدينة وأهلها."))

Run = Callable[..., Result]


def write_news(folder: Path) -> None:
    (folder / "more").mkdir(parents=True)
    (folder / "more" / "deep.txt").write_bytes(TEXTS["deep"].encode("utf-8-sig"))
    (folder / "windows.txt").write_bytes(TEXTS["windows"].encode("utf-16"))
    (folder / "windows-1256.txt").write_bytes(TEXTS["windows-1256"].encode("cp1256"))
    line = {"id": "line", "title": "عنوان", "text": TEXTS["line"]}
    (folder / "a.jsonl").write_text(json.dumps(line) + "\n", "utf-8")
    with (folder / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "text"), *((name, TEXTS[name]) for name in ("row-1", "row-2"))])
    pa.parquet.write_table(pa.table({"id": ["cell"], "text": [TEXTS["cell"]]}), folder / "x.parquet")
    title, *paragraphs = TEXTS["page"].split("\n")
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    page = f"<html><head><title>{title}</title></head><body><article><h1>{title}</h1>{body}</article></body></html>"
    (folder / "page.html").write_text(page, "utf-8")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, small_checkpoint: Path) -> Path:
    """Holds ``news``, an ``extractor.db`` that has all of it, and ``first.jsonl``: what the program said then."""
    folder = tmp_path_factory.mktemp("home")
    write_news(folder / "news")
    done = extractor("run", "news", "--checkpoint", small_checkpoint, folder=folder)
    assert done.returncode == 0, done.stderr
    assert f"{len(IDS)} newly read" in done.stderr
    (folder / "first.jsonl").write_text(done.stdout, "utf-8")
    return folder


@pytest.fixture
def here(home: Path, tmp_path: Path) -> Path:
    shutil.copytree(home, tmp_path / "here")
    return tmp_path / "here"


@pytest.fixture
def run(here: Path, small_checkpoint: Path) -> Run:
    """Runs `extractor run` there with the small checkpoint."""

    def call(*arguments: str | Path, given: str = "", checkpoint: str | Path = small_checkpoint) -> Result:
        return extractor("run", *arguments, "--checkpoint", checkpoint, folder=here, given=given)

    return call


# What comes out


def test_the_output_keeps_the_contract(run: Run) -> None:
    found = records(run("news").stdout)
    assert sorted(record["id"] for record in found) == sorted(IDS)
    assert sum(len(record["quotations"]) for record in found) > 20
    for record in found:
        assert list(record) == KEYS
        assert record["checkpoint"] == "talkative"
        assert all(TEXTS[record["id"]][span["start"] : span["end"]] == span["text"] for span in spans(record))
        for quotation in record["quotations"]:
            assert list(quotation) in (QUOTATION_KEYS, [*QUOTATION_KEYS, "repeats"])
            assert quotation["content"]
            for who in filter(None, (quotation["speaker"], quotation["via"])):
                assert list(who) == ["name", "kind", "mentions"]
            assert 0 <= quotation["confidence"] <= 1


def test_the_text_can_be_had_as_the_offsets_mean_it(run: Run) -> None:
    found = records(run("news", "--with-text").stdout)
    assert {record["id"]: record["text"] for record in found} == TEXTS
    assert list(found[0]) == [*KEYS, "text"]


def test_titles_and_paths_are_told(run: Run) -> None:
    found = {record["id"]: (record["path"], record["title"]) for record in records(run("news").stdout)}
    assert found["line"] == ("news/a.jsonl", "عنوان")
    assert found["page"] == ("news/page.html", "عنوان الصفحة")
    assert found["deep"] == ("news/more/deep.txt", None)


def test_files_patterns_and_standard_input_give_the_same_quotations(run: Run, here: Path) -> None:
    by_folder = {record["id"]: record["quotations"] for record in records(run("news").stdout)}
    given = (here / "news" / "a.jsonl").read_text("utf-8")
    found = records(run("news/more/deep.txt", "news/*.csv", "-", given=given).stdout)
    assert [record["id"] for record in found] == ["deep", "row-1", "row-2", "line"]
    assert found[-1]["path"] == "-"
    assert all(record["quotations"] == by_folder[record["id"]] for record in found)


def test_columns_are_named_by_options(run: Run) -> None:
    line = json.dumps({"key": 7, "body": TEXTS["line"], "head": "عنوان"})
    options = ("--text-column", "body", "--id-column", "key", "--title-column", "head")
    (found,) = records(run("-", *options, given=line).stdout)
    assert (found["id"], found["title"]) == ("7", "عنوان")
    assert found["quotations"]


def test_in_a_pipe_there_is_json_on_one_side_and_a_line_of_words_on_the_other(run: Run) -> None:
    done = run("news")
    assert len(records(done.stdout)) == done.stdout.count("\n") == len(IDS)
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"{len(IDS)} articles (0 newly read, {len(IDS)} known)")
    assert all(char.isprintable() for char in done.stderr.strip())


def test_less_sure_quotations_are_left_out_but_kept(run: Run, here: Path) -> None:
    with sqlite3.connect(here / "extractor.db") as connection:  # the small checkpoint is sure of nothing
        connection.execute("UPDATE quotations SET confidence = (position % 10) / 10.0")
    connection.close()
    everything = [quotation for record in records(run("news").stdout) for quotation in record["quotations"]]
    sure = [q for record in records(run("news", "--min-confidence", "0.5").stdout) for q in record["quotations"]]
    assert 0 < len(sure) < len(everything)
    assert sure == [quotation for quotation in everything if quotation["confidence"] >= 0.5]
    assert counts(here / "extractor.db")["quotations"] == len(everything)


def test_without_a_queue_nothing_is_kept(run: Run, here: Path) -> None:
    (here / "extractor.db").unlink()
    done = run("news/a.jsonl", "missing.txt", "--no-queue", "--output", "out.jsonl", "--format", "table")
    assert done.returncode == 3
    assert "what was said" in done.stdout
    assert done.stderr.startswith("not read: missing.txt: ")
    first = {record["id"]: record for record in records((here / "first.jsonl").read_text("utf-8"))}
    (found,) = records((here / "out.jsonl").read_text("utf-8"))
    places = [[span["text"] for span in quotation["content"]] for quotation in found["quotations"]]
    assert places == [[span["text"] for span in q["content"]] for q in first["line"]["quotations"]]
    assert not (here / "extractor.db").exists()


def test_what_is_written_is_utf_8_whatever_the_locale(here: Path, small_checkpoint: Path) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    for form in ("jsonl", "table"):
        arguments = ("run", "news", "--format", form, "--checkpoint", small_checkpoint)
        done = extractor(*arguments, folder=here, environment=ascii_only)
        assert done.returncode == 0, done.stderr
        assert "عنوان الصفحة" in done.stdout


# Where it goes


def test_output_takes_its_name_when_it_is_whole(run: Run, here: Path) -> None:
    done = run("news", "--output", "out.jsonl")
    assert done.stdout == ""
    assert (here / "out.jsonl").read_bytes() == (here / "first.jsonl").read_bytes()
    assert not (here / "out.jsonl.part").exists()


def test_a_run_that_fails_leaves_the_old_output(run: Run, here: Path) -> None:
    (here / "out.jsonl").write_text("old", "utf-8")
    (here / "news" / "new.txt").write_text("قال الوزير إن الأمر انتهى.", "utf-8")
    assert run("news", "--output", "out.jsonl", "--device", "cuda").returncode == 1
    assert (here / "out.jsonl").read_text("utf-8") == "old"
    assert (here / "out.jsonl.part").exists()


def test_output_behind_a_link_keeps_the_link(run: Run, here: Path) -> None:
    (here / "link.jsonl").symlink_to("target.jsonl")
    run("news", "--output", "link.jsonl")
    assert (here / "link.jsonl").is_symlink()
    assert (here / "target.jsonl").read_bytes() == (here / "first.jsonl").read_bytes()


def test_a_pipe_is_written_and_stays(here: Path, small_checkpoint: Path) -> None:
    os.mkfifo(here / "pipe")
    with subprocess.Popen(["cat", "pipe"], cwd=here, stdout=subprocess.PIPE) as reader:
        extractor("run", "news", "--output", "pipe", "--checkpoint", small_checkpoint, folder=here)
        taken, _ = reader.communicate(timeout=60)
    assert taken == (here / "first.jsonl").read_bytes()
    assert stat.S_ISFIFO((here / "pipe").stat().st_mode)


def test_an_input_is_not_overwritten(run: Run, here: Path) -> None:
    before = (here / "news" / "a.jsonl").read_bytes()
    assert run("news/a.jsonl", "--output", "news/../news/a.jsonl").returncode == 2
    assert (here / "news" / "a.jsonl").read_bytes() == before


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs a device that is always full")
def test_a_full_disk_is_told_in_one_line(here: Path, small_checkpoint: Path) -> None:
    command = [PROGRAM, "run", "news", "--checkpoint", str(small_checkpoint)]
    for more in ([], ["--format", "table"]):
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [*command, *more],
                cwd=here,
                env=ENVIRONMENT,
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        assert done.returncode == 1
        assert done.stderr.startswith("error: standard output cannot be written (No space left on device)")
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("form", ["jsonl", "table"])
def test_a_reader_that_goes_away_is_no_accident(form: str, here: Path, small_checkpoint: Path) -> None:
    command = [PROGRAM, "run", "news", "--format", form, "--checkpoint", str(small_checkpoint)]
    process = subprocess.Popen(
        command, cwd=here, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(60) == 141
    process.stderr.close()


def on_a_terminal(folder: Path, *arguments: str | Path, stdout: int | None = None) -> str:
    """What a terminal of 80 columns gets; standard output too, unless it goes elsewhere."""
    ours, theirs = pty.openpty()
    command = [PROGRAM, *map(str, arguments)]
    environment = {**ENVIRONMENT, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=theirs if stdout is None else stdout, stderr=theirs
    ) as process:
        os.close(theirs)
        taken = bytearray()
        while block := _read(ours):
            taken += block
        process.wait(60)
    os.close(ours)
    return taken.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux's way to say that the program has closed its end
        return b""


def test_a_terminal_shows_count_and_pace_and_then_only_the_sum(here: Path, small_checkpoint: Path) -> None:
    with (here / "out.jsonl").open("wb") as file:
        arguments = ("run", "news", "--checkpoint", small_checkpoint)
        shown = on_a_terminal(here, *arguments, stdout=file.fileno())
    assert (here / "out.jsonl").read_bytes() == (here / "first.jsonl").read_bytes()
    assert f"{len(IDS)}/{len(IDS)}" in shown
    assert "/s " in shown
    assert "0:00:00 left" in shown
    *_, last = shown.rpartition("\x1b[2K")  # the line is cleared, and what follows stays
    assert last.strip().startswith(f"{len(IDS)} articles")


def test_the_table_on_a_terminal_stands_clear_of_the_progress(here: Path, small_checkpoint: Path) -> None:
    shown = on_a_terminal(here, "run", "news", "--checkpoint", small_checkpoint)
    headings = [line for line in shown.split("\n") if "what was said" in line]
    assert len(headings) == len(IDS)
    assert not [line for line in shown.split("\n") if "reading" in line and "what was said" in line]
    assert not [line for line in shown.split("\n") if "left" in line.rpartition("\x1b[2K")[2] and "┃" in line]


def test_json_on_a_terminal_is_not_disturbed(here: Path, small_checkpoint: Path) -> None:
    shown = on_a_terminal(here, "run", "news", "--format", "jsonl", "--checkpoint", small_checkpoint)
    first = (here / "first.jsonl").read_text("utf-8")
    assert shown.replace("\r\n", "\n").startswith(first)


# What is kept


def test_a_second_run_tags_nothing_and_says_the_same(run: Run, here: Path) -> None:
    before = counts(here / "extractor.db")
    second = run("news")
    assert second.stdout == (here / "first.jsonl").read_text("utf-8")
    assert counts(here / "extractor.db") == before
    assert before["annotations"] == before["articles"] == before["sightings"] == before["review_tasks"] == len(IDS)
    assert rows(here / "extractor.db", "SELECT annotated, known, failed FROM runs ORDER BY id") == [
        (len(IDS), 0, 0),
        (0, len(IDS), 0),
    ]


def test_the_same_text_in_two_files_is_one_article_seen_twice(run: Run, here: Path) -> None:
    shutil.copy(here / "news" / "more" / "deep.txt", here / "news" / "again.txt")
    found = {record["id"]: record["quotations"] for record in records(run("news").stdout)}
    assert found["again"] == found["deep"]
    kept = counts(here / "extractor.db")
    assert (kept["articles"], kept["sightings"]) == (len(IDS), len(IDS) + 1)


def test_the_same_file_twice_in_one_run_is_told_twice_and_kept_once(run: Run, here: Path) -> None:
    before = counts(here / "extractor.db")
    one, two = records(run("news/more", "news/more/deep.txt").stdout)
    assert one == two
    assert counts(here / "extractor.db") == before


def test_new_texts_are_tagged_beside_known_ones_even_twice_in_one_run(run: Run, here: Path) -> None:
    for name in ("new", "new-too"):
        (here / "news" / f"{name}.txt").write_text("قال الوزير إن الأمر انتهى.", "utf-8")
    done = run("news")
    found = {record["id"]: record["quotations"] for record in records(done.stdout)}
    assert found["new"] == found["new-too"]
    assert f"(1 newly read, {len(IDS) + 1} known)" in done.stderr
    assert counts(here / "extractor.db")["annotations"] == len(IDS) + 1


def test_another_checkpoint_annotates_beside_the_first(run: Run, here: Path, trained_checkpoint: Path) -> None:
    query = "SELECT * FROM quotations ORDER BY id"
    before = rows(here / "extractor.db", query)
    run("news", checkpoint=trained_checkpoint)
    assert rows(here / "extractor.db", query)[: len(before)] == before
    assert annotated(here / "extractor.db") == 2 * len(IDS)
    assert "0 newly read" in run("news", checkpoint="by-heart").stderr  # known by its name
    assert run("news").stdout == (here / "first.jsonl").read_text("utf-8")


@pytest.mark.parametrize("database", ["other.db", "sqlite:///other.db"])
def test_a_database_is_a_path_or_a_url(database: str, run: Run, here: Path) -> None:
    shutil.copy(here / "extractor.db", here / "other.db")
    (here / "extractor.db").unlink()
    assert "0 newly read" in run("news", "--database", database).stderr
    assert rows(here / "other.db", "SELECT count(*) FROM runs") == [(2,)]
    assert not (here / "extractor.db").exists()


# What goes wrong


def test_bad_inputs_are_named_counted_and_recorded(run: Run, here: Path) -> None:
    (here / "news" / "empty.txt").write_bytes(b"")
    (here / "news" / "picture.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    good = json.dumps({"id": "good", "text": TEXTS["line"]})
    (here / "news" / "broken.jsonl").write_text(f'{good}\n{{"id": \n', "utf-8")
    (here / "news" / ":bomb:\x1b[31m.txt").write_bytes(b"")
    done = run("news", "missing.txt")
    assert done.returncode == 3
    assert len(records(done.stdout)) == len(IDS) + 1
    *told, total = done.stderr.strip().split("\n")
    assert len(told) == 5
    assert all(line.startswith("not read: ") and line.isprintable() for line in told)
    for name in ("empty.txt", "picture.txt", "broken.jsonl, line 2", "missing.txt", ":bomb:"):
        assert sum(name in line for line in told) == 1
    assert "5 inputs not read" in total
    assert rows(here / "extractor.db", "SELECT count(*) FROM failures") == [(5,)]
    kept = rows(here / "extractor.db", "SELECT path, record_id FROM failures WHERE reason LIKE '%JSON%'")
    assert kept == [("news/broken.jsonl", "line 2")]
    assert rows(here / "extractor.db", "SELECT failed FROM runs ORDER BY id DESC LIMIT 1") == [(5,)]


def test_nothing_that_can_be_read_is_exit_3(run: Run) -> None:
    done = run("missing.txt")
    assert (done.returncode, done.stdout) == (3, "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--checkpoint", "nowhere"), "nowhere"),
        (("--checkpoint", "no/where"), "no/where"),
        (("--checkpoint", "news"), "tagger.json"),
        (("--database", "news"), "news"),
        (("--database", "first.jsonl"), "first.jsonl is not a SQLite database"),
        (("--database", "postgresql://user:secret@127.0.0.1:1/x"), "127.0.0.1"),
        (("--database", "nosuch://x"), "nosuch"),
        (("--output", "no/such/folder/out.jsonl"), "no/such/folder"),
    ],
)
def test_what_a_user_can_mend_is_one_line(run: Run, arguments: tuple[str, ...], said: str) -> None:
    done = run("news", *arguments) if arguments[0] != "--checkpoint" else run("news", checkpoint=arguments[1])
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert "secret" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [("--frmat", "jsonl"), ("--format", "xml"), ("--min-confidence", "2"), ("--device", "tpu"), ("--precision", "8")],
)
def test_a_wrong_option_is_exit_2(run: Run, arguments: tuple[str, str]) -> None:
    done = run("news", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert arguments[0].lstrip("-") in done.stderr
