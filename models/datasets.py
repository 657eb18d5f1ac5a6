"""What a checkpoint learns from, written down so that it can be told from any other and never changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

from sqlalchemy import Connection, Engine, select
from sqlalchemy.dialects import postgresql, sqlite

from extractor.annotation import Annotation, annotation_as_dict
from extractor.errors import MendableError
from models.learning_tables import DatasetRow
from models.store import load_annotations

FORMAT = 1


class DatasetError(MendableError):
    """A dataset is not what it was when it was frozen."""


@dataclass(frozen=True, slots=True)
class Label:
    """A reviewed annotation, with what proves that it is the same as then.

    ``corrects``: the prediction that the reviewer saw, by its row; ``reviewed_at`` in ISO 8601.
    """

    article: str
    annotation: int
    annotation_sha256: str
    interface_sha256: str
    reviewer: str
    reviewed_at: str
    corrects: int | None


@dataclass(frozen=True)
class Dataset:
    """Labels in the order of their articles' hashes, and the hash of each file that is learned with them."""

    labels: tuple[Label, ...]
    replay: Mapping[str, str]

    @cached_property
    def manifest(self) -> str:
        """Canonical JSON: the same dataset is the same text."""
        record = {
            "format": FORMAT,
            "labels": [asdict(label) for label in self.labels],
            "replay": dict(self.replay),
        }
        return json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @cached_property
    def id(self) -> str:
        return hashlib.sha256(self.manifest.encode()).hexdigest()


def annotation_sha256(annotation: Annotation) -> str:
    """Of what the annotation says, wherever its article was seen and whoever is named as its author."""
    said = annotation_as_dict(annotation)["quotations"]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


class Datasets:
    """On one database (`models.engine.open_database`)."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def load(self, key: str) -> Dataset:
        """Raises DatasetError where there is none, or its manifest is not the one that was frozen."""
        with self.engine.connect() as connection:
            manifest = connection.scalars(select(DatasetRow.manifest).where(DatasetRow.id == key)).one_or_none()
        if manifest is None:
            raise DatasetError(f"no dataset {key} is known")
        if hashlib.sha256(manifest.encode()).hexdigest() != key:
            raise DatasetError(f"the manifest of dataset {key} was changed: restore the database")
        record = json.loads(manifest)
        return Dataset(tuple(Label(**label) for label in record["labels"]), record["replay"])

    def annotations(self, dataset: Dataset) -> list[Annotation]:
        """As they were frozen, in the order of the labels. Raises DatasetError where one is not the same any more."""
        with self.engine.connect() as connection:
            loaded = load_annotations(connection, [label.annotation for label in dataset.labels])
        for label in dataset.labels:
            found = loaded.get(label.annotation)
            same = found and (found.document.sha256, annotation_sha256(found)) == (
                label.article,
                label.annotation_sha256,
            )
            if not same:
                raise DatasetError(
                    f"annotation {label.annotation} of dataset {dataset.id[:12]} is gone or was changed: "
                    "restore the database"
                )
        return [loaded[label.annotation] for label in dataset.labels]


def keep(connection: Connection, dataset: Dataset) -> None:
    """Writes it down, unless it is there."""
    insert_new = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    row = {"id": dataset.id, "manifest": dataset.manifest}
    connection.execute(insert_new(DatasetRow).on_conflict_do_nothing(), row)


def find_ids(connection: Connection, prefix: str) -> Sequence[str]:
    """Of the datasets whose id begins so."""
    return connection.scalars(select(DatasetRow.id).where(DatasetRow.id.startswith(prefix, autoescape=True))).all()
