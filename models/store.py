"""The only writer of articles, annotations and quotations: core types in, rows kept, core types out.

Several programs may write to one database at once: what is there already is left as it is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from extractor.annotation import Annotation
from extractor.document import Document
from extractor.quotation import Quotation, Speaker
from models.engine import writing
from models.rows import (
    Row,
    arguments_row,
    check_spans,
    printable,
    quotation_of,
    quotation_rows,
    review_task_row,
    sighting_row,
    span_rows,
    speaker_rows,
)
from models.tables import (
    AnnotationKind,
    AnnotationRow,
    ArticleRow,
    CheckpointRow,
    FailureRow,
    QuotationRow,
    ReviewTaskRow,
    RunRow,
    SightingRow,
    SpanRow,
    SpeakerRow,
    Table,
    TaskState,
    utc_now,
)

BATCH = 100
"""Annotations in one transaction; a killed program loses no more than the batch it was at."""

SURROGATES = re.compile("[\ud800-\udfff]")
SURROGATES_AND_NUL = re.compile("[\0\ud800-\udfff]")

Item = TypeVar("Item")


class UnstorableDocument(ValueError):  # noqa: N818 - it names the document's fault
    """The text holds a character that the database has no way to keep; ``document`` is the one."""

    def __init__(self, document: Document, place: int) -> None:
        self.document = document
        where = printable(document.path or document.id)
        super().__init__(
            f"{where}: character {place} is U+{ord(document.raw[place]):04X}, which cannot be kept: "
            "see that the file was read in its own encoding"
        )


@dataclass(frozen=True, slots=True)
class Run:
    """A run under way: its id and that of the checkpoint that it runs."""

    id: int
    checkpoint: int


@dataclass(frozen=True, slots=True)
class RunCounts:
    """What became of a run's documents (``known``: annotated before), and the quotations it found."""

    annotated: int = 0
    known: int = 0
    failed: int = 0
    quotations: int = 0


@dataclass(frozen=True, slots=True)
class Totals:
    """What the whole database holds; ``pending`` are review tasks."""

    articles: int
    annotations: int
    quotations: int
    pending: int


class Store:
    """Annotations on one database (`models.engine.open_database`).

    Whatever writes raises DatabaseError where the disk is full or the lock is not to be had.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._refused = SURROGATES if engine.dialect.name == "sqlite" else SURROGATES_AND_NUL

    def register_checkpoint(self, name: str, fingerprint: str, path: str | None = None) -> int:
        """The checkpoint's id; weights that are known keep the name and path that they had first."""
        row = {"name": name, "fingerprint": fingerprint, "path": path and printable(path)}
        with writing(self.engine) as connection:
            _insert_new(connection, CheckpointRow, [row])
            query = select(CheckpointRow.id).where(CheckpointRow.fingerprint == fingerprint)
            return connection.execute(query).scalar_one()

    def checkpoint_path(self, name: str) -> str | None:
        """Where the newest checkpoint of that name lies; None where none is known."""
        query = select(CheckpointRow.path).where(CheckpointRow.name == name).order_by(CheckpointRow.id.desc())
        with self.engine.connect() as connection:
            return connection.execute(query.limit(1)).scalar_one_or_none()

    def begin_run(self, checkpoint: int, arguments: Mapping[str, object]) -> Run:
        """``arguments`` are kept as JSON for people to read, secrets and passwords in URLs starred out."""
        row = {"checkpoint_id": checkpoint, "arguments": arguments_row(arguments)}
        with writing(self.engine) as connection:
            return Run(connection.execute(insert(RunRow).returning(RunRow.id), row).scalar_one(), checkpoint)

    def finish_run(self, run: Run, counts: RunCounts) -> None:
        query = update(RunRow).where(RunRow.id == run.id).values(finished_at=utc_now(), **asdict(counts))
        with writing(self.engine) as connection:
            connection.execute(query)

    def record_failure(self, run: Run, path: str | None, record_id: str | None, reason: str) -> None:
        row = {
            "run_id": run.id,
            "path": path and printable(path),
            "record_id": record_id and printable(record_id),
            "reason": printable(reason),
        }
        with writing(self.engine) as connection:
            connection.execute(insert(FailureRow), row)

    def annotated(self, sha256s: Iterable[str], checkpoint: int) -> set[str]:
        """Those of the content hashes whose articles ``checkpoint`` has annotated."""
        query = select(ArticleRow.sha256).join(AnnotationRow).where(AnnotationRow.checkpoint_id == checkpoint)
        found: set[str] = set()
        with self.engine.connect() as connection:
            for some in _batches(sha256s):
                found.update(connection.scalars(query.where(ArticleRow.sha256.in_(some))))
        return found

    def annotation_ids(self, sha256s: Iterable[str], checkpoint: int) -> dict[str, int]:
        """By content hash, those of ``checkpoint``; articles that it has not annotated are left out."""
        query = select(ArticleRow.sha256, AnnotationRow.id).join(AnnotationRow)
        found: dict[str, int] = {}
        with self.engine.connect() as connection:
            for some in _batches(sha256s):
                here = query.where(AnnotationRow.checkpoint_id == checkpoint, ArticleRow.sha256.in_(some))
                found.update(connection.execute(here).all())
        return found

    def check(self, document: Document) -> None:
        """Raises UnstorableDocument where `save` would: before the time to tag it is spent."""
        if refused := self._refused.search(document.raw):
            raise UnstorableDocument(document, refused.start())

    def record_sightings(self, documents: Iterable[Document]) -> None:
        """Keeps where texts were seen that need no new annotation. Raises UnstorableDocument."""
        for some in _batches(documents):
            for document in some:
                self.check(document)
            with writing(self.engine) as connection:
                _save_articles(connection, [(document.sha256, document) for document in some])

    def save(self, run: Run, annotations: Iterable[Annotation]) -> int:
        """Keeps predictions of the run's checkpoint, each with its review task; says how many were new.

        An article that the checkpoint has annotated before keeps that annotation. One transaction for each
        `BATCH` of them, begun when the batch is complete: the iterable may be long and slow.

        Raises UnstorableDocument, and ValueError where a span ends outside the text, before anything of that
        batch is written.
        """
        return sum(self._save_batch(run, batch) for batch in _batches(annotations))

    def load(self, sha256: str, checkpoint: int) -> Annotation:
        """What ``checkpoint`` read in that text, as of the place where it was first seen. Raises KeyError."""
        for annotation in self.load_all([sha256], checkpoint):
            return annotation
        raise KeyError(sha256)

    def load_all(self, sha256s: Iterable[str], checkpoint: int) -> Iterator[Annotation]:
        """As `load`, in the order asked for, without those that are not annotated."""
        for some in _batches(sha256s):
            with self.engine.connect() as connection:
                loaded = _load(connection, some, checkpoint)
            yield from (loaded[sha256] for sha256 in some if sha256 in loaded)

    def totals(self) -> Totals:
        def count(table: type[Table]) -> int:
            return connection.execute(select(func.count()).select_from(table)).scalar_one()

        pending = select(func.count()).where(ReviewTaskRow.state == TaskState.PENDING)
        with self.engine.connect() as connection:
            return Totals(
                articles=count(ArticleRow),
                annotations=count(AnnotationRow),
                quotations=count(QuotationRow),
                pending=connection.execute(pending).scalar_one(),
            )

    def _save_batch(self, run: Run, batch: Sequence[Annotation]) -> int:
        seen = [(annotation.document.sha256, annotation.document) for annotation in batch]
        annotations: dict[str, Annotation] = {}
        for (sha256, document), annotation in zip(seen, batch, strict=True):
            self.check(document)
            check_spans(annotation)
            annotations.setdefault(sha256, annotation)
        with writing(self.engine) as connection:
            articles = _save_articles(connection, seen)
            by_article = {articles[sha256]: annotation for sha256, annotation in annotations.items()}
            ids = _save_annotations(connection, run, sorted(by_article))
            new = {ids[article]: by_article[article] for article in ids}
            _save_quotations(connection, new)
            tasks = [review_task_row(article, key, new[key]) for article, key in ids.items()]
            _insert(connection, ReviewTaskRow, tasks)
        return len(new)


def _save_articles(connection: Connection, seen: Sequence[tuple[str, Document]]) -> dict[str, int]:
    """The articles' ids by content hash.

    Rows that another program may be inserting too go in sorted, here and below, or each waits for the other.
    """
    raws = {sha256: document.raw for sha256, document in seen}
    _insert_new(connection, ArticleRow, [{"sha256": sha256, "raw": raws[sha256]} for sha256 in sorted(raws)])
    query = select(ArticleRow.sha256, ArticleRow.id).where(ArticleRow.sha256.in_(raws))
    ids = dict(connection.execute(query).all())
    sightings = [sighting_row(ids[sha256], document) for sha256, document in seen]
    _insert_new(connection, SightingRow, sorted(sightings, key=lambda row: row["article_id"]))
    return ids


def _save_annotations(connection: Connection, run: Run, articles: Sequence[int]) -> dict[int, int]:
    """The new annotations' ids by their articles'; those that were there already are left out."""
    common = {"checkpoint_id": run.checkpoint, "run_id": run.id, "kind": AnnotationKind.PREDICTED}
    rows = [{"article_id": article, **common} for article in articles]
    query = _inserting_new(connection, AnnotationRow)
    new = connection.execute(query.returning(AnnotationRow.article_id, AnnotationRow.id), rows)
    return dict(new.all())


def _save_quotations(connection: Connection, annotations: Mapping[int, Annotation]) -> None:
    """Under their annotations' ids, with their speakers and spans."""
    speakers = [
        (annotation_id, speaker, row)
        for annotation_id, annotation in annotations.items()
        for speaker, row in speaker_rows(annotation_id, annotation).items()
    ]
    keys = _insert_for_ids(connection, SpeakerRow, [row for _, _, row in speakers])
    speaker_ids: dict[int, dict[Speaker, int]] = defaultdict(dict)
    for (annotation_id, speaker, _), key in zip(speakers, keys, strict=True):
        speaker_ids[annotation_id][speaker] = key

    quotations = [
        (quotation, annotation.document.raw, row)
        for annotation_id, annotation in annotations.items()
        for quotation, row in quotation_rows(annotation_id, annotation, speaker_ids[annotation_id])
    ]
    keys = _insert_for_ids(connection, QuotationRow, [row for _, _, row in quotations])
    placed = zip(keys, quotations, strict=True)
    spans = [row for key, (quotation, raw, _) in placed for row in span_rows(key, quotation, raw)]
    _insert(connection, SpanRow, spans)


def load_annotations(connection: Connection, ids: Collection[int]) -> dict[int, Annotation]:
    """By their ids, with the place where the article was first seen; a reviewed one has "" for its checkpoint."""
    query = (
        select(AnnotationRow.id, AnnotationRow.article_id, ArticleRow.raw, CheckpointRow.name)
        .join(ArticleRow, ArticleRow.id == AnnotationRow.article_id)
        .outerjoin(CheckpointRow, CheckpointRow.id == AnnotationRow.checkpoint_id)
        .where(AnnotationRow.id.in_(ids))
    )
    found = connection.execute(query).all()
    quotations = _load_quotations(connection, [row.id for row in found])
    documents = load_documents(connection, {row.article_id: row.raw for row in found})
    return {row.id: Annotation(documents[row.article_id], row.name or "", tuple(quotations[row.id])) for row in found}


def load_documents(connection: Connection, raws: Mapping[int, str]) -> dict[int, Document]:
    """By their articles' ids, as of the place where each was first seen."""
    seen = _first_sightings(connection, list(raws))
    return {article: Document(raw=raw, **seen[article]) for article, raw in raws.items()}


def save_reviewed(connection: Connection, article: int, annotation: Annotation) -> int:
    """A person's reading of the article; its id. Raises ValueError where a span ends outside the text."""
    check_spans(annotation)
    row = {"article_id": article, "kind": AnnotationKind.REVIEWED}
    key = connection.execute(insert(AnnotationRow).returning(AnnotationRow.id), row).scalar_one()
    _save_quotations(connection, {key: annotation})
    return key


def _load(connection: Connection, sha256s: Sequence[str], checkpoint: int) -> dict[str, Annotation]:
    query = (
        select(AnnotationRow.id, ArticleRow.sha256)
        .join(ArticleRow, ArticleRow.id == AnnotationRow.article_id)
        .where(ArticleRow.sha256.in_(sha256s), AnnotationRow.checkpoint_id == checkpoint)
    )
    ids = dict(connection.execute(query).all())
    return {ids[key]: annotation for key, annotation in load_annotations(connection, ids).items()}


def _first_sightings(connection: Connection, articles: Sequence[int]) -> dict[int, dict[str, Any]]:
    query = select(SightingRow.article_id, SightingRow.document_id, SightingRow.path, SightingRow.title)
    query = query.where(SightingRow.article_id.in_(articles)).order_by(SightingRow.id)
    first: dict[int, dict[str, Any]] = {}
    for row in connection.execute(query):
        place = {"id": row.document_id, "path": row.path or None, "title": row.title}
        first.setdefault(row.article_id, place)
    return first


def _load_quotations(connection: Connection, annotations: Sequence[int]) -> dict[int, list[Quotation]]:
    """In the order of the annotation, by its id."""
    of_these = QuotationRow.annotation_id.in_(annotations)
    spans = defaultdict(list)
    for span in connection.execute(select(SpanRow.__table__).join(QuotationRow).where(of_these).order_by(SpanRow.part)):
        spans[span.quotation_id].append(span)
    query = select(SpeakerRow.__table__).where(SpeakerRow.annotation_id.in_(annotations))
    speakers: dict[int | None, Speaker] = {
        row.id: Speaker(row.name, row.kind, tuple(row.mentions)) for row in connection.execute(query)
    }
    loaded: dict[int, list[Quotation]] = defaultdict(list)
    query = select(QuotationRow.__table__).where(of_these).order_by(QuotationRow.position)
    for row in connection.execute(query):
        speaker, via = speakers.get(row.speaker_id), speakers.get(row.via_id)
        quotation = quotation_of(row.type, row.confidence, spans[row.id], speaker, via)
        loaded[row.annotation_id].append(quotation)
    return loaded


def _inserting_new(connection: Connection, table: type[Table]) -> sqlite.Insert | postgresql.Insert:
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()


def _insert_new(connection: Connection, table: type[Table], rows: Sequence[Row]) -> None:
    """Leaves out the rows that break a unique constraint: another program, or another run, was here first."""
    connection.execute(_inserting_new(connection, table), rows)


def _insert(connection: Connection, table: type[Table], rows: Sequence[Row]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _insert_for_ids(
    connection: Connection, table: type[SpeakerRow | QuotationRow], rows: Sequence[Row]
) -> Sequence[int]:
    """The new rows' ids, in the order of the rows."""
    if not rows:
        return []
    return connection.scalars(insert(table).returning(table.id, sort_by_parameter_order=True), rows).all()


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch
