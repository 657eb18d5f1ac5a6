from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, insert, select, text
from sqlalchemy.exc import IntegrityError

from extractor.annotation import Annotation, quotation_id
from extractor.document import Document
from extractor.quotation import Quotation, QuotationType, Span, Speaker, SpeakerKind
from models.engine import open_database, writing
from models.store import BATCH, RunCounts, Store, Totals, UnstorableDocument
from models.tables import (
    AnnotationRow,
    FailureRow,
    QuotationRow,
    ReviewTaskRow,
    RunRow,
    SightingRow,
    SpanRow,
    SpeakerRow,
    Table,
)
from tests.saving import AGENCY, ARTICLES, MINISTER, annotation, start

ROOT = Path(__file__).parent.parent


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(tmp_path / "extractor.db")
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: Engine) -> Store:
    return Store(engine)


# Round trips

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
mangled = st.text(
    st.sampled_from("قال الوزير«»:\u200f\u0640\u064b\u00a0\r\n\u2028😀ﻻ\0٣") | st.characters(exclude_categories=["Cs"]),
    min_size=2,
    max_size=120,
)
speakers = st.builds(Speaker, words, st.sampled_from(SpeakerKind), st.lists(words, max_size=3).map(tuple))
# As a document's place is kept it may hold anything but NUL, which becomes visible.
names = words.filter(lambda name: "\0" not in name)


@st.composite
def readings(draw: st.DrawFn) -> Annotation:
    raw = draw(mangled)
    document = Document(draw(names), raw, draw(st.none() | names), draw(st.none() | names))
    people = st.none() | st.sampled_from(draw(st.lists(speakers, min_size=1, max_size=3)))
    bounds = st.lists(st.integers(0, len(raw)), min_size=2, max_size=2, unique=True).map(sorted)
    span = bounds.map(lambda pair: Span(*pair))
    content = st.lists(span, min_size=1, max_size=3).map(tuple)
    quotation = st.builds(
        Quotation,
        type=st.sampled_from(QuotationType),
        content=content,
        cue=st.none() | span,
        source=st.none() | span,
        speaker=people,
        via=people,
        confidence=st.floats(0, 1),
        repeats=st.lists(content, max_size=2).map(tuple),
    )
    return Annotation(document, "starter", tuple(draw(st.lists(quotation, max_size=4))))


@pytest.fixture(scope="module")
def memory_store() -> Store:
    return Store(open_database("sqlite://"))


@settings(deadline=None, max_examples=150)
@given(batch=st.lists(readings(), min_size=1, max_size=3, unique_by=lambda item: item.document.sha256))
def test_what_is_saved_is_what_is_loaded(memory_store: Store, batch: list[Annotation]) -> None:
    with writing(memory_store.engine) as connection:
        for table in reversed(Table.metadata.sorted_tables):
            connection.execute(table.delete())
    run = start(memory_store)
    assert memory_store.save(run, batch) == len(batch)
    shas = [item.document.sha256 for item in batch]
    assert list(memory_store.load_all(shas, run.checkpoint)) == batch


def test_a_speaker_of_several_quotations_is_one_row(store: Store, engine: Engine) -> None:
    run = start(store)
    store.save(run, [annotation(1)])
    first, second, third = store.load(annotation(1).document.sha256, run.checkpoint).quotations
    assert first.speaker is second.speaker
    assert (first.speaker, second.via, third.speaker) == (MINISTER, AGENCY, None)
    with engine.connect() as connection:
        assert connection.scalars(select(SpeakerRow.name)).all() == [MINISTER.name, AGENCY.name]


def test_rows_hold_the_text_and_the_public_id(store: Store, engine: Engine) -> None:
    item = annotation(1)
    store.save(start(store), [item])
    with engine.connect() as connection:
        spans = connection.execute(select(SpanRow.start, SpanRow.end, SpanRow.text)).all()
        ids = connection.scalars(select(QuotationRow.public_id).order_by(QuotationRow.position)).all()
    assert len(spans) == 8
    assert all(item.document.raw[start:end] == covered for start, end, covered in spans)
    assert ids == [quotation_id(item.document, quotation) for quotation in item.quotations]


def test_load_of_an_article_that_is_not_there(store: Store) -> None:
    with pytest.raises(KeyError):
        store.load("0" * 64, start(store).checkpoint)


# Once and only once


def test_saving_again_changes_nothing(store: Store, engine: Engine) -> None:
    run = start(store)
    many = [annotation(number) for number in range(BATCH + 5)]
    assert store.save(run, many) == len(many)
    before = _rows(engine)
    other = [replace(item, quotations=item.quotations[:1]) for item in many]
    assert store.save(start(store), other) == 0
    assert {**_rows(engine), "runs": 0} == {**before, "runs": 0}
    assert store.load(many[3].document.sha256, run.checkpoint) == many[3]
    assert store.totals() == Totals(len(many), len(many), 3 * len(many), len(many))


def test_another_checkpoint_annotates_the_same_article_anew(store: Store) -> None:
    first = start(store)
    second = store.begin_run(store.register_checkpoint("better", "e" * 64), {})
    item = annotation(1)
    store.save(first, [item])
    assert store.annotated([item.document.sha256], second.checkpoint) == set()
    assert store.save(second, [replace(item, checkpoint="better", quotations=())]) == 1
    assert store.load(item.document.sha256, first.checkpoint) == item
    assert store.load(item.document.sha256, second.checkpoint).quotations == ()
    assert store.totals() == Totals(articles=1, annotations=2, quotations=3, pending=2)


def test_a_checkpoint_is_known_by_its_fingerprint(store: Store) -> None:
    first = store.register_checkpoint("starter", "a" * 64, "one")
    assert store.register_checkpoint("renamed", "a" * 64, "two") == first
    assert store.register_checkpoint("starter", "b" * 64, "one") != first


def test_one_text_in_two_places_is_one_article_seen_twice(store: Store, engine: Engine) -> None:
    run = start(store)
    item = annotation(1)
    copy = replace(item, document=replace(item.document, id="copy", path=None))
    assert store.save(run, [item, copy, item]) == 1
    store.record_sightings([copy.document, replace(item.document, path="elsewhere.txt")])
    with engine.connect() as connection:
        seen = connection.execute(select(SightingRow.document_id, SightingRow.path).order_by(SightingRow.id)).all()
    assert seen == [("d1", "news/1.txt"), ("copy", ""), ("d1", "elsewhere.txt")]
    assert store.load(item.document.sha256, run.checkpoint) == item


def test_annotated_tells_which(store: Store) -> None:
    run = start(store)
    store.save(run, map(annotation, range(3)))
    shas = [annotation(number).document.sha256 for number in range(2 * BATCH)]
    assert store.annotated(shas, run.checkpoint) == set(shas[:3])
    assert store.annotated(shas, run.checkpoint + 1) == set()


def test_the_iterable_is_drawn_batch_by_batch(store: Store) -> None:
    run = start(store)

    def drawn() -> Iterator[Annotation]:
        yield from map(annotation, range(BATCH))
        yield annotation(BATCH)
        assert store.totals().articles == BATCH

    assert store.save(run, drawn()) == BATCH + 1


# Runs and failures


def test_a_run_is_kept_without_its_secrets(store: Store, engine: Engine) -> None:
    arguments = {
        "database": "postgresql://reader:hunter2@db/news",
        "label_studio_token": "hunter2",
        "inputs": [Path("a.txt"), "b\udce3.txt"],
        "min_confidence": 0.5,
    }
    run = store.begin_run(store.register_checkpoint("starter", "a"), arguments)
    with engine.connect() as connection:
        row = connection.execute(select(RunRow)).one()
    assert row.arguments == {
        "database": "postgresql://reader:***@db/news",
        "label_studio_token": "***",
        "inputs": ["a.txt", r"b\udce3.txt"],
        "min_confidence": 0.5,
    }
    assert row.finished_at is None
    store.finish_run(run, RunCounts(annotated=4, known=3, failed=2, quotations=1))
    with engine.connect() as connection:
        row = connection.execute(select(RunRow)).one()
    assert (row.annotated, row.known, row.failed, row.quotations) == (4, 3, 2, 1)
    assert row.started_at <= row.finished_at
    assert row.started_at.utcoffset().total_seconds() == 0


def test_failures_are_recorded_whatever_the_file_is_called(store: Store, engine: Engine) -> None:
    run = start(store)
    store.record_failure(run, "ملف\udce3.txt", None, "not text")
    store.record_failure(run, None, "re\0cord", "empty")
    with engine.connect() as connection:
        rows = connection.execute(select(FailureRow.path, FailureRow.record_id, FailureRow.reason)).all()
    assert rows == [(r"ملف\udce3.txt", None, "not text"), (None, r"re\x00cord", "empty")]


def test_a_text_that_cannot_be_kept_is_named_and_spoils_no_batch(store: Store) -> None:
    run = start(store)
    broken = Annotation(Document("id", "قال \udce3", path="broken.txt"), "starter", ())
    with pytest.raises(UnstorableDocument, match=r"broken\.txt: character 4 is U\+DCE3") as caught:
        store.save(run, [annotation(1), broken])
    assert caught.value.document == broken.document
    assert store.totals().articles == 0
    with pytest.raises(UnstorableDocument):
        store.record_sightings([broken.document])


def test_a_span_outside_the_text_is_refused(store: Store) -> None:
    item = Annotation(Document("id", "قال"), "starter", (Quotation(QuotationType.DIRECT, (Span(1, 9),)),))
    with pytest.raises(ValueError, match="outside the text"):
        store.save(start(store), [item])
    assert store.totals().articles == 0


# The database guards itself


@pytest.mark.parametrize(
    ("table", "column"),
    [
        (ReviewTaskRow, "state"),
        (AnnotationRow, "kind"),
        (QuotationRow, "type"),
        (SpeakerRow, "kind"),
        (SpanRow, "role"),
    ],
)
def test_nonsense_is_refused(store: Store, engine: Engine, table: type[Table], column: str) -> None:
    store.save(start(store), [annotation(1)])
    with engine.begin() as connection, pytest.raises(IntegrityError, match="CHECK"):
        connection.execute(text(f"UPDATE {table.__tablename__} SET {column} = 'nonsense'"))


def test_a_prediction_has_a_checkpoint_and_a_second_one_is_refused(store: Store, engine: Engine) -> None:
    store.save(start(store), [annotation(1)])
    row = {"article_id": 1, "checkpoint_id": 1, "kind": "predicted"}
    for wrong in (row, {**row, "checkpoint_id": None}, {**row, "kind": "reviewed"}):
        with engine.begin() as connection, pytest.raises(IntegrityError):
            connection.execute(insert(AnnotationRow), wrong)
    with engine.begin() as connection:
        reviewed = {"article_id": 1, "checkpoint_id": None, "kind": "reviewed"}
        connection.execute(insert(AnnotationRow), [reviewed, reviewed])


def test_an_article_takes_everything_of_it_along(store: Store, engine: Engine) -> None:
    store.save(start(store), [annotation(1)])
    with writing(engine) as connection:
        connection.execute(text("DELETE FROM articles"))
    kept = {"runs", "checkpoints"}
    assert {table for table, count in _rows(engine).items() if count} == kept
    with writing(engine) as connection, pytest.raises(IntegrityError):
        connection.execute(text("DELETE FROM checkpoints"))


# Two programs, and one that is killed


def test_two_programs_on_a_new_database_double_nothing(tmp_path: Path) -> None:
    database = tmp_path / "extractor.db"
    programs = [_program(database, order) for order in ("up", "down", "up")]
    assert [program.communicate()[1] for program in programs] == ["", "", ""]
    _assert_complete(database, runs=3)


def test_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    database = tmp_path / "extractor.db"
    moments = random.Random(1)
    killed = 0
    for attempt in range(8):
        program = _program(database, "up")
        assert program.stdout is not None
        program.stdout.readline()
        # The first ones while the schema is made, then ever later while articles are saved.
        time.sleep(moments.uniform(0, 0.02 + 0.03 * attempt))
        program.send_signal(signal.SIGKILL)
        killed += program.wait() == -signal.SIGKILL
        program.communicate()
    assert killed >= 4
    program = _program(database, "up")
    assert program.communicate()[1] == ""
    _assert_complete(database)


def _program(database: Path, order: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.saving", str(database), order]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _assert_complete(database: Path, runs: int | None = None) -> None:
    engine = open_database(database)
    rows = _rows(engine)
    expected = {"articles": 1, "sightings": 1, "annotations": 1, "review_tasks": 1}
    expected |= {"speakers": 2, "quotations": 3, "spans": 8}
    assert {table: rows[table] for table in expected} == {table: count * ARTICLES for table, count in expected.items()}
    assert rows["checkpoints"] == 1
    assert runs is None or rows["runs"] == runs
    store = Store(engine)
    everything = [annotation(number) for number in range(ARTICLES)]
    assert list(store.load_all([item.document.sha256 for item in everything], 1)) == everything
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
    engine.dispose()


def _rows(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {
            table.name: connection.execute(text(f"SELECT count(*) FROM {table.name}")).scalar_one()
            for table in Table.metadata.sorted_tables
        }
