"""Every input that a newsroom would feed becomes documents, or one clear line each."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractor.document import Document, ReadOptions, Unreadable
from extractor.readers import read_documents

TEXT = "قال الوزير: «سنواصل الدعم».\r\nوأضاف أن الحكومة تعمل، وفق البيان.\n"
SECOND = "وأكد المتحدث باسم الوزارة أن الاجتماع انتهى.\u2028ثم غادر"
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1256", "iso8859-6"]
DEFAULTS = ReadOptions()
SMALL = ReadOptions(max_bytes=100_000)


def read(*inputs: str | Path, options: ReadOptions = DEFAULTS) -> list[Document | Unreadable]:
    return list(read_documents(inputs, options))


def documents(items: Iterable[Document | Unreadable]) -> list[Document]:
    return [item for item in items if isinstance(item, Document)]


def only_reason(path: Path, options: ReadOptions = DEFAULTS) -> str:
    (item,) = read(path, options=options)
    assert isinstance(item, Unreadable)
    assert "\n" not in str(item)
    assert item.path == str(path)
    return item.reason


def write(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def as_csv(rows: list[list[str]], delimiter: str = ",") -> str:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter).writerows(rows)
    return file.getvalue()


def test_a_text_file_is_kept_as_it_is(tmp_path: Path) -> None:
    path = write(tmp_path / "0001.txt", TEXT)
    assert read(path) == [Document("0001", TEXT, str(path))]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encodings_of_a_text_file(tmp_path: Path, encoding: str) -> None:
    text = TEXT.replace("«", '"').replace("»", '"')  # iso8859-6 has no guillemets
    path = write(tmp_path / "a.txt", text.encode(encoding))
    assert [document.raw for document in documents(read(path))] == [text]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "cp1256"])
def test_a_few_words_are_enough_to_tell_the_encoding(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path / "a.txt", "قال نعم".encode(encoding))
    assert [document.raw for document in documents(read(path))] == ["قال نعم"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1256"])
def test_encodings_of_records(tmp_path: Path, encoding: str) -> None:
    rows = [["id", "text"], ["7", TEXT], ["8", TEXT * 2000]]
    write(tmp_path / "a.csv", as_csv(rows).encode(encoding))
    lines = "".join(json.dumps({"id": i, "text": t}, ensure_ascii=False) + "\n" for i, t in rows[1:])
    write(tmp_path / "b.jsonl", lines.encode(encoding))
    found = documents(read(tmp_path))
    assert [(d.id, d.raw) for d in found] == [("7", TEXT), ("8", TEXT * 2000)] * 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \r\n\t \xc2\xa0\n", "no words"),
        ("\ufeff\u200f\n".encode(), "no words"),
        (b"%PDF-1.7\n\xe2\xe3\xcf\xd3", "PDF"),
        (b"PK\x03\x04\x14\0\0\0", "zip"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "image"),
        (b"\x7fELF\x02\x01\x01\0", "program"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"{\\rtf1\\ansi", "RTF"),
        (b"\0" * 500, "binary"),
        (bytes(range(256)) * 20, "encoding"),
        (TEXT.encode()[:-20] + b"\xff" + TEXT.encode(), "not at byte"),
        (TEXT.encode("utf-16")[:-1], "not at byte"),
        ("قال".encode() * 40_000, "larger than 0.1 MB"),
    ],
)
def test_files_that_are_no_article(tmp_path: Path, content: bytes, reason: str) -> None:
    assert reason in only_reason(write(tmp_path / "a.txt", content), SMALL)


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", TEXT)
    write(tmp_path / "b.txt", b"%PDF-1.7")
    write(tmp_path / "c.txt", SECOND)
    assert [type(item) for item in read(tmp_path)] == [Document, Unreadable, Document]


@pytest.mark.parametrize("name", ["a.docx", "README", "a.pdf"])
def test_a_file_of_another_kind(tmp_path: Path, name: str) -> None:
    assert ".txt" in only_reason(write(tmp_path / name, TEXT))


def test_folders_are_read_through_in_order(tmp_path: Path) -> None:
    for name in ("b.txt", "a.TXT", "c.jpg", ".hidden.txt", "z/d.txt", "m/e.txt", ".git/f.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path / name, TEXT)
    assert [document.id for document in documents(read(tmp_path))] == ["a", "b", "e", "d"]
    assert len(read(tmp_path)) == 4


def test_links_that_lead_around_are_followed_once(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "a.txt", TEXT)
    (tmp_path / "in" / "round").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "self").symlink_to("self")
    assert [document.id for document in documents(read(tmp_path))] == ["a"]
    assert [document.id for document in documents(read(f"{tmp_path}/**/*.txt"))] == ["a"]


def test_a_folder_without_articles(tmp_path: Path) -> None:
    write(tmp_path / "photo.jpg", b"\xff\xd8\xff")
    assert "1 of other kinds" in only_reason(tmp_path)


def test_patterns_are_expanded(tmp_path: Path) -> None:
    for name in ("2024-a.txt", "2024-b.txt", "2023-c.txt", "2024-d.jpg", "deep/er/2024-e.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write(tmp_path / name, TEXT)
    assert [d.id for d in documents(read(f"{tmp_path}/2024-*"))] == ["2024-a", "2024-b"]
    assert [d.id for d in documents(read(f"{tmp_path}/**/2024*"))] == ["2024-a", "2024-b", "2024-e"]
    assert [d.id for d in documents(read(f"{tmp_path}/d*"))] == ["2024-e"]
    (item,) = read(f"{tmp_path}/2025-*.txt")
    assert isinstance(item, Unreadable)


def test_a_name_with_brackets_is_a_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a[1].txt", TEXT)
    assert documents(read(path))[0].id == "a[1]"


@pytest.mark.parametrize("given", ["no/such/file.txt", "", "a\0b.txt", "x" * 5000])
def test_inputs_that_do_not_exist(given: str) -> None:
    (item,) = read(given)
    assert isinstance(item, Unreadable)
    assert "does not exist" in item.reason


def test_a_file_that_vanishes_while_reading(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", TEXT)
    second = write(tmp_path / "b.txt", TEXT)
    reading = read_documents([tmp_path])
    assert isinstance(next(reading), Document)
    second.unlink()
    (item,) = reading
    assert isinstance(item, Unreadable)
    assert "No such file" in item.reason


def test_links_and_pipes_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "gone.txt").symlink_to("nowhere.txt")
    assert "cannot be read" in only_reason(tmp_path / "gone.txt")
    os.mkfifo(tmp_path / "pipe.txt")
    assert "not a regular file" in only_reason(tmp_path / "pipe.txt")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux")
def test_a_file_whose_reading_fails(tmp_path: Path) -> None:
    (tmp_path / "a.txt").symlink_to("/proc/self/mem")
    assert "cannot be read" in only_reason(tmp_path / "a.txt")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_and_a_folder_without_permission(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", TEXT)
    path.chmod(0)
    assert "Permission denied" in only_reason(path)
    folder = tmp_path / "locked"
    folder.mkdir(mode=0)
    assert "Permission denied" in only_reason(folder)


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xc7\xe1.txt"
    Path(os.fsdecode(path)).write_text(TEXT, "utf-8", newline="")
    (document,) = documents(read(tmp_path))
    assert document.id == "\\xc7\\xe1"
    assert document.path is not None
    document.path.encode()


def test_records_of_json_lines(tmp_path: Path) -> None:
    records = [
        {"id": "x", "title": "عنوان", "text": TEXT},
        {"id": 12, "text": SECOND},
        {"id": None, "title": "", "text": TEXT},
        {"id": "x", "text": SECOND},
    ]
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    path = write(tmp_path / "news.jsonl", "\ufeff" + "\r\n".join([*lines[:2], "", *lines[2:]]))
    where = str(path)
    assert read(path) == [
        Document("x", TEXT, where, "عنوان"),
        Document("12", SECOND, where),
        Document("news:4", TEXT, where),
        Document("x", SECOND, where),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "\xd9\x82', "not JSON"),
        (b"[1, 2]", "is a list"),
        (b'"x"', "is a string"),
        (b'{"body": "x"}', 'has no "text", only "body"'),
        (b'{"text": null}', "has nothing"),
        (b'{"text": 5}', "has a number"),
        (b'{"text": ["x"]}', "has a list"),
        (b'{"text": "  "}', "no words"),
        (b'{"text": "x \\ud83d y"}', "broken characters"),
        (b'{"id": "\\ud83d", "text": "x"}', "broken characters"),
        (b'{"text": "x \xff y"}', "broken characters"),
        (b'{"text": ' + b"[" * 99_000, "nested"),
        (b'{"text": "' + b"x" * 300_000 + b'"}', "longer than 0.1 MB"),
    ],
)
def test_a_bad_line_is_one_line_of_complaint(tmp_path: Path, line: bytes, reason: str) -> None:
    good = json.dumps({"text": TEXT}, ensure_ascii=False).encode()
    path = write(tmp_path / "news.jsonl", b"\n".join([good, line, good]))
    first, bad, last = read(path, options=SMALL)
    assert isinstance(first, Document)
    assert isinstance(bad, Unreadable)
    assert reason in bad.reason
    assert bad.record in ("line 2", "news:2")
    assert isinstance(last, Document)
    assert last.id == "news:3"


def test_a_bad_record_is_called_by_its_id(tmp_path: Path) -> None:
    (item,) = read(write(tmp_path / "a.jsonl", '{"id": 77, "text": []}'))
    assert isinstance(item, Unreadable)
    assert str(item) == f'{tmp_path}/a.jsonl, 77: has a list as "text", not text'


def test_json_holds_one_record_or_a_list(tmp_path: Path) -> None:
    record = {"id": "x", "text": TEXT}
    write(tmp_path / "a.json", json.dumps(record, indent=1))
    write(tmp_path / "b.json", json.dumps([record, 5]))
    write(tmp_path / "c.json", "{")
    first, second, number, broken = read(tmp_path)
    assert isinstance(first, Document)
    assert isinstance(second, Document)
    assert isinstance(number, Unreadable)
    assert isinstance(broken, Unreadable)


@pytest.mark.parametrize(("name", "delimiter"), [("a.csv", ","), ("a.csv", ";"), ("a.tsv", "\t")])
def test_csv(tmp_path: Path, name: str, delimiter: str) -> None:
    long = "كلمة " * 40_000
    rows = [
        ["id", "title", "text"],
        ["1", "ع", f'قال "نعم",;\t\r\n{TEXT}'],
        [],
        ["", "", long],
        ["3", "", "a\0b"],
    ]
    path = write(tmp_path / name, as_csv(rows, delimiter))
    where = str(path)
    assert read(path) == [
        Document("1", rows[1][2], where, "ع"),
        Document("a:2", long, where),
        Document("3", "a\0b", where),
    ]


def test_a_csv_without_the_column(tmp_path: Path) -> None:
    reason = only_reason(write(tmp_path / "a.csv", "id,body\n1,x\n"))
    assert reason.startswith('has no "text", only "id", "body"')
    assert "empty" in only_reason(write(tmp_path / "b.csv", "id,text\n"))


def test_bad_rows_of_a_csv(tmp_path: Path) -> None:
    content = "id,text\n1,قال نعم\n2,bad, because unquoted\n3\n4,قا?ل\n5,\n6,a\rb\n7,good\n"
    items = read(write(tmp_path / "a.csv", content.encode().replace(b"?", b"\xff")))
    assert [item.id for item in documents(items)] == ["1", "7"]
    assert [item.record for item in items if isinstance(item, Unreadable)] == [
        "row 2",
        "3",
        "4",
        "5",
        "row 6",
    ]


@pytest.mark.parametrize(
    "field",
    [
        "x" * 300_000,
        '"' + "x" * 300_000 + '"',
        '"' + 'سطر، فيه فاصلة, و""اقتباس""\n' * 10_000 + '"',
        '"' + '""' * 60_000 + '"',
    ],
)
def test_a_huge_field_is_one_bad_row(tmp_path: Path, field: str) -> None:
    path = write(tmp_path / "a.csv", f"id,text\n1,good\n2,{field}\n3,good\n")
    items = read(path, options=SMALL)
    assert [type(item) for item in items] == [Document, Unreadable, Document]
    assert documents(items)[1].id == "3"


def parquet(path: Path, columns: dict[str, pa.Array]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def test_parquet(tmp_path: Path) -> None:
    columns = {
        "id": pa.array([1.0, None, 3.0, 4.0]),
        "title": pa.array(["ع", None, "", "x"]),
        "text": pa.array([TEXT, SECOND, None, " "]).dictionary_encode(),
    }
    path = parquet(tmp_path / "a.parquet", columns)
    first, second, missing, blank = read(path)
    assert first == Document("1", TEXT, str(path), "ع")
    assert second == Document("a:2", SECOND, str(path))
    assert isinstance(missing, Unreadable)
    assert missing.record == "3"
    assert isinstance(blank, Unreadable)


def test_damaged_parquet(tmp_path: Path) -> None:
    whole = parquet(tmp_path / "a.parquet", {"text": pa.array([TEXT] * 1000)}).read_bytes()
    assert "Parquet" in only_reason(write(tmp_path / "b.parquet", whole[: len(whole) // 2]))
    assert "Parquet" in only_reason(write(tmp_path / "c.parquet", TEXT))
    assert "Parquet" in only_reason(write(tmp_path / "d.parquet", b""))
    assert '"body"' in only_reason(parquet(tmp_path / "e.parquet", {"body": pa.array(["x"])}))
    assert "has a number" in only_reason(parquet(tmp_path / "f.parquet", {"text": pa.array([1])}))


def test_broken_characters_in_parquet(tmp_path: Path) -> None:
    broken = pa.Array.from_buffers(pa.string(), 2, pa.array([b"\xff\xff", TEXT.encode()]).buffers())
    bad, good = read(parquet(tmp_path / "a.parquet", {"text": broken}))
    assert isinstance(bad, Unreadable)
    assert isinstance(good, Document)


def test_other_columns(tmp_path: Path) -> None:
    options = ReadOptions(text_column="body", id_column="key", title_column="headline")
    write(tmp_path / "a.csv", f'key,headline,body\nk,ع,"{TEXT}"\n')
    write(tmp_path / "b.jsonl", json.dumps({"key": "k", "headline": "ع", "body": TEXT}))
    parquet(
        tmp_path / "c.parquet",
        {name: pa.array([value]) for name, value in [("key", "k"), ("headline", "ع"), ("body", TEXT)]},
    )
    found = documents(read(tmp_path, options=options))
    assert [(d.id, d.title, d.raw) for d in found] == [("k", "ع", TEXT)] * 3


PARAGRAPHS = [
    f"قال الوزير في تصريح رقم {n} إن الحكومة ستواصل دعم القطاع الزراعي خلال العام المقبل." * 2 for n in range(5)
]


def page(body: str, head: str = "") -> str:
    menu = "<nav><ul><li><a href='/'>الرئيسية</a></li><li><a href='/s'>رياضة</a></li></ul></nav>"
    title = "<title>الوزير يتعهد بالدعم</title>"
    return f"<!DOCTYPE html><html><head>{head}{title}</head><body>{menu}{body}</body></html>"


ARTICLE = "<article>" + "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS) + "</article>"


def test_a_page(tmp_path: Path) -> None:
    (document,) = documents(read(write(tmp_path / "a.html", page(ARTICLE))))
    assert document.title == "الوزير يتعهد بالدعم"
    assert document.raw == "\n".join([document.title, *PARAGRAPHS])


def test_the_title_of_a_page_comes_once(tmp_path: Path) -> None:
    body = ARTICLE.replace("<article>", "<article><h1>الوزير يتعهد بالدعم</h1>")
    (document,) = documents(read(write(tmp_path / "a.htm", page(body))))
    assert document.raw.count("الوزير يتعهد بالدعم") == 1


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("windows-1256", "cp1256"),
        ("utf-8", "cp1256"),
        ("", "cp1256"),
        ("zip", "cp1256"),
        ("windows-1256", "utf-8"),
    ],
)
def test_the_encoding_of_a_page(tmp_path: Path, declared: str, encoding: str) -> None:
    content = page(ARTICLE, f'<meta charset="{declared}">').encode(encoding)
    (document,) = documents(read(write(tmp_path / "a.html", content)))
    assert PARAGRAPHS[0] in document.raw


def test_a_page_with_a_broken_byte_is_read_as_a_browser_does(tmp_path: Path) -> None:
    content = page(ARTICLE.replace("رقم 3", "رقم X")).encode().replace(b"X", b"\xff")
    (document,) = documents(read(write(tmp_path / "a.html", content)))
    assert "رقم \ufffd" in document.raw
    assert PARAGRAPHS[0] in document.raw


@pytest.mark.parametrize(
    "content",
    [
        "<html><body></body></html>",
        "<html><head><script>x = 1</script></head></html>",
        "<div>" * 100_000,
        page("<b>كلمة</b>" * 20_000),
        page(f"<p {' '.join(f'a{n}=x' for n in range(50_000))}>x</p>"),
    ],
)
def test_pages_without_an_article(tmp_path: Path, content: str) -> None:
    assert "save its text as .txt" in only_reason(write(tmp_path / "a.html", content))


def from_standard_input(monkeypatch: pytest.MonkeyPatch, data: bytes) -> list[Document | Unreadable]:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    return read("-", options=SMALL)


@pytest.mark.parametrize("encoding", ENCODINGS[:6])
def test_standard_input(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    assert from_standard_input(monkeypatch, TEXT.encode(encoding)) == [Document("stdin", TEXT, "-")]
    lines = f"\n {json.dumps({'text': TEXT})}\n{json.dumps({'id': 'x', 'text': SECOND})}\n"
    assert from_standard_input(monkeypatch, lines.encode(encoding)) == [
        Document("stdin:2", TEXT, "-"),
        Document("x", SECOND, "-"),
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no words"),
        (b"\n" * 200_000, "larger than"),
        (b"%PDF-", "PDF"),
        (TEXT.encode() * 2000, "larger than"),
        (TEXT.encode() + b"\xff", "broken characters"),
    ],
)
def test_bad_standard_input(monkeypatch: pytest.MonkeyPatch, data: bytes, reason: str) -> None:
    (item,) = from_standard_input(monkeypatch, data)
    assert isinstance(item, Unreadable)
    assert reason in item.reason


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, name: str) -> None:
    article = {"id": "x", "text": "كلمة " * 1000}
    with (tmp_path / name).open("w", encoding="utf-8", newline="") as file:
        if name == "a.csv":
            file.write("id,text\n")
        for _ in range(1000):
            file.write(json.dumps(article) + "\n" if name == "a.jsonl" else f"x,{article['text']}\n")
        for _ in range(20):
            file.write('"' + "y" * 500_000)  # one line, or one field, of 10 MB
        file.write('"\n')
    tracemalloc.start()
    count = sum(isinstance(item, Document) for item in read_documents(tmp_path / name, SMALL))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 1000
    assert peak < 3_000_000


def test_slow_libraries_are_imported_only_when_needed() -> None:
    code = "import sys, extractor.readers; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"trafilatura", "pyarrow", "charset_normalizer", "numpy", "lxml"} & set(loaded)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    suffix=st.sampled_from([".txt", ".html", ".json", ".jsonl", ".csv", ".tsv", ".parquet"]),
    content=st.binary(max_size=60)
    | st.lists(
        st.sampled_from(["text", '"', "{", "}", ":", ",", "\n", "\r", "\0", "قال", "<p>", "\\ud800", "[", "x"]),
        max_size=40,
    ).map(lambda parts: "".join(parts).encode())
    | st.text(max_size=60).map(lambda text: text.encode("utf-16")),
)
def test_no_bytes_raise(tmp_path: Path, suffix: str, content: bytes) -> None:
    items = read(write(tmp_path / f"a{suffix}", content))
    assert items
    for item in items:
        if isinstance(item, Document):
            f"{item.id}{item.raw}{item.title}".encode()
        else:
            assert "\n" not in str(item)
