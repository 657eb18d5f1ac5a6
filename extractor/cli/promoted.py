"""The promoted checkpoint, wherever it matters: for a server that follows it, and for what is sent to reviewers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from extractor.checkpoint_folder import find_checkpoint, fingerprint, name_of
from extractor.cli.console import note
from extractor.cli.reading import Settings, chosen_checkpoint
from extractor.errors import MendableError
from models.checkpoints import Checkpoints
from models.engine import open_database
from models.outbox import Plan
from models.store import RunCounts, Store, load_annotations

if TYPE_CHECKING:
    from extractor.pipeline import Extractor


class Fixed:
    """One checkpoint, whatever is promoted."""

    def __init__(self, checkpoint: str, settings: Settings) -> None:
        self._extractor = settings.load(find_checkpoint(checkpoint))

    def name(self) -> str:
        return self._extractor.checkpoint

    def extractor(self) -> Extractor:
        return self._extractor


class Following:
    """What is promoted now, asked for each time; loaded where it is another one than before.

    One that cannot be loaded is told of once, and the one before goes on. Without a database it is the starter.
    """

    def __init__(self, database: str, settings: Settings) -> None:
        self._database, self._settings = database, settings
        self._engine: Engine | None = None
        self._key: int | None = None
        self._failed: int | None = None
        self._lock = Lock()  # requests come in several threads
        self._extractor = self._load()

    def name(self) -> str:
        """Of the one that the next article will be read with."""
        return self.extractor().checkpoint

    def extractor(self) -> Extractor:
        with self._lock:
            key = self._current()
            if key != self._key and (key is None or key != self._failed):
                try:
                    self._extractor, self._failed = self._load(), None
                    note(f"{self._extractor.checkpoint} answers from now on")
                except MendableError as error:
                    note(f"{error}; {self._extractor.checkpoint} goes on")
                    self._failed = key
            return self._extractor

    def _load(self) -> Extractor:
        key = self._current()
        folder = chosen_checkpoint(self._engine, None) if self._engine else find_checkpoint(None)
        loaded = self._settings.load(folder)
        self._key = key
        return loaded

    def _current(self) -> int | None:
        if self._engine is None:
            if "://" not in self._database and not Path(self._database).exists():
                return None
            self._engine = open_database(self._database)
        current = Checkpoints(self._engine).current()
        return current.id if current else None


def read_again(engine: Engine, plans: Sequence[Plan]) -> list[Plan]:
    """The plans with the promoted checkpoint's predictions, so that reviewers correct what people use.

    Articles that it has not read are read now. While nothing was ever promoted, all stays as it is.
    """
    checkpoints = Checkpoints(engine)
    if not plans or not checkpoints.promotions():
        return list(plans)
    store, folder = Store(engine), chosen_checkpoint(engine, None)
    key = store.register_checkpoint(name_of(folder), fingerprint(folder), str(folder))
    with engine.connect() as connection:
        shown = load_annotations(connection, [plan.annotation_id for plan in plans])
    documents = {annotation.document.sha256: annotation.document for annotation in shown.values()}
    known = store.annotated(documents, key)
    if new := [document for sha256, document in documents.items() if sha256 not in known]:
        run = store.begin_run(key, {"inputs": ["extractor review push"]})
        found = [*Settings().load(folder).annotate(new)]
        store.save(run, found)
        store.finish_run(run, RunCounts(annotated=len(found), quotations=sum(len(a.quotations) for a in found)))
    ids = store.annotation_ids(documents, key)
    return [replace(plan, annotation_id=ids[shown[plan.annotation_id].document.sha256]) for plan in plans]
