from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor import counting
from extractor.counting import expected
from extractor.readers import read_documents

TEXT = "قال الوزير:\n«نعم»، ثم مضى.\r\nوسكت."


@pytest.fixture
def news(tmp_path: Path) -> Path:
    """Nine articles in all formats but JSON."""
    (tmp_path / "more").mkdir()
    for name in ("a.txt", "b.text", "more/c.TXT"):
        (tmp_path / name).write_text(TEXT, "utf-8")
    page = f"<html><body><article><p>{TEXT} وتنتهي الصفحة بجملة طويلة عن المدينة.</p></article></body></html>"
    (tmp_path / "d.html").write_text(page, "utf-8")
    lines = [json.dumps({"text": TEXT}) for _ in range(2)]
    (tmp_path / "e.jsonl").write_text("\n".join(lines), "utf-8")  # no newline at its end
    with (tmp_path / "f.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text"], [TEXT], [f'{TEXT} "..."']])
    pa.parquet.write_table(pa.table({"text": [TEXT]}), tmp_path / "g.parquet")
    return tmp_path


def test_it_counts_what_is_read(news: Path) -> None:
    assert expected([str(news)]) == len(list(read_documents(news))) == 9


def test_an_input_named_twice_counts_twice(news: Path) -> None:
    assert expected([str(news), str(news / "*.jsonl")]) == 11


@pytest.mark.parametrize("given", ["-", "news.json"])
def test_some_inputs_only_reading_can_tell(given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("news.json").write_text("[]", "utf-8")
    Path("a.txt").write_text(TEXT, "utf-8")
    assert expected(["a.txt", given]) is None


def test_what_cannot_be_read_counts_as_the_line_that_will_say_so(news: Path) -> None:
    (news / "bad.parquet").write_bytes(b"no")
    (news / "gone.txt").symlink_to("nowhere")
    (news / "gone.jsonl").symlink_to("nowhere")
    os.mkfifo(news / "pipe.jsonl")  # waits for a writer when opened
    assert expected([str(news), "missing.txt", str(news / "*.docx")]) == 15
    assert len(list(read_documents([news, "missing.txt", str(news / "*.docx")]))) == 15


@given(texts=st.lists(st.text('ق", \r\n', min_size=1).map(lambda text: f"{text}ق"), min_size=1, max_size=5))
def test_rows_of_csv_may_hold_line_breaks_and_quotes(
    texts: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "rows.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text"], *([text] for text in texts)])
    assert expected([str(path)]) == len(texts)


def test_blocks_may_end_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('text\n"a\nb ""c\n"" d"\nplain\n"e\n"', "utf-8")
    for size in range(1, 12):
        monkeypatch.setattr(counting, "_BLOCK", size)
        assert expected([str(path)]) == 3
