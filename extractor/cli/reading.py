"""Reads documents with a checkpoint, with or without a database behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from extractor.annotation import Annotation
from extractor.checkpoint_folder import find_checkpoint, fingerprint, name_of
from extractor.cli.console import note
from extractor.cli.device import Device, Precision, processor
from extractor.document import Document, Unreadable
from extractor.errors import MendableError
from extractor.readers import read_documents
from models.checkpoints import Checkpoints
from models.engine import open_database
from models.retrainings import Retrainings
from models.store import RunCounts, Store, UnstorableDocument

if TYPE_CHECKING:
    from extractor.pipeline import Extractor

_AT_ONCE = 64  # documents a transaction: what a kill can cost is the time to tag these again

Items = Iterable[Document | Unreadable]


@dataclass(frozen=True, slots=True)
class Settings:
    """How to run a checkpoint; see Extractor."""

    device: Device = Device.auto
    precision: Precision = Precision.auto

    def load(self, folder: Path) -> Extractor:
        """Raises CheckpointError, and MendableError where there is no such device."""
        from extractor.pipeline import Extractor  # torch: only where something is to be tagged

        return Extractor.load(folder, device=processor(self.device), precision=self.precision)


class PlainReader:
    """Annotates without keeping anything."""

    def __init__(self, checkpoint: str | None, settings: Settings) -> None:
        self._folder = find_checkpoint(checkpoint)
        self._settings = settings
        self.read = self.failed = self.quotations = 0

    @property
    def done(self) -> int:
        return self.read + self.failed

    @cached_property
    def _extractor(self) -> Extractor:
        return self._settings.load(self._folder)

    def annotations(self, items: Items) -> Iterator[Annotation]:
        for annotation in self._extractor.annotate(_readable(items, self._report)):
            self.read += 1
            self.quotations += len(annotation.quotations)
            yield annotation

    def finish(self) -> None:
        note(f"{self.read} articles, {self.quotations} quotations{_failures(self.failed)}")

    def _report(self, item: Unreadable) -> None:
        self.failed += 1
        note(f"not read: {item}")


class DatabaseReader:
    """Annotates what the checkpoint has not read yet and loads the rest; every outcome has its row."""

    def __init__(
        self,
        checkpoint: str | None,
        settings: Settings,
        database: str,
        arguments: Mapping[str, object],
    ) -> None:
        self._store = Store(open_database(database))
        self._folder = chosen_checkpoint(self._store.engine, checkpoint)
        self._settings = settings
        row = self._store.register_checkpoint(name_of(self._folder), fingerprint(self._folder), str(self._folder))
        self._run = self._store.begin_run(row, arguments)
        self.annotated = self.known = self.failed = self.quotations = 0

    @property
    def done(self) -> int:
        return self.annotated + self.known + self.failed

    @cached_property
    def _extractor(self) -> Extractor:
        return self._settings.load(self._folder)

    def annotations(self, items: Items) -> Iterator[Annotation]:
        waiting = filter(self._is_storable, _readable(items, self._report))
        while group := list(islice(waiting, _AT_ONCE)):
            hashes: dict[str, Document] = {}
            for document in group:
                hashes.setdefault(document.sha256, document)
            known = self._store.annotated(hashes, self._run.checkpoint)
            new = [document for sha256, document in hashes.items() if sha256 not in known]
            if new:
                self._store.save(self._run, self._extractor.annotate(new))
            self._store.record_sightings(group)
            loaded = self._store.load_all(hashes, self._run.checkpoint)
            by_hash = {annotation.document.sha256: annotation for annotation in loaded}
            self.annotated += len(new)
            self.known += len(group) - len(new)
            for document in group:
                annotation = replace(by_hash[document.sha256], document=document)
                self.quotations += len(annotation.quotations)
                yield annotation

    def finish(self) -> None:
        counts = RunCounts(self.annotated, self.known, self.failed, self.quotations)
        self._store.finish_run(self._run, counts)
        pending = self._store.totals().pending
        note(
            f"{self.annotated + self.known} articles ({self.annotated} newly read, {self.known} known), "
            f"{self.quotations} quotations{_failures(self.failed)}; {pending} articles wait for review"
        )

    def _is_storable(self, document: Document) -> bool:
        try:
            self._store.check(document)
        except UnstorableDocument as error:
            self._report(Unreadable(document.path or document.id, document.id, str(error)))
            return False
        return True

    def _report(self, item: Unreadable) -> None:
        self.failed += 1
        note(f"not read: {item}")
        self._store.record_failure(self._run, item.path, item.record, item.reason)


def chosen_checkpoint(engine: Engine, name: str | None) -> Path:
    """The folder of a checkpoint that is known by that name, lies there or is fetched; without one, the promoted.

    What retraining made is verified. Raises CheckpointError.
    """
    if name is None:
        promoted = Checkpoints(engine).current()
        return promoted.verified() if promoted else find_checkpoint(None)
    if made := Retrainings(engine).of_candidate(name):
        return Checkpoints(engine).find(made.name).verified()
    return find_checkpoint(Store(engine).checkpoint_path(name) or name)


def _readable(items: Items, report: Callable[[Unreadable], None]) -> Iterator[Document]:
    for item in items:
        if isinstance(item, Unreadable):
            report(item)
        else:
            yield item


def _failures(failed: int) -> str:
    return f", {failed} input{'s' * (failed > 1)} not read" if failed else ""


def raw_articles(inputs: Sequence[str], limit: int | None = None) -> list[Document]:
    """Articles to learn from, each text once, in an order that depends on the texts alone; at most ``limit`` of them.

    What cannot be read is named on standard error. Raises MendableError where nothing is left.
    """
    by_hash = {
        document.sha256: document
        for document in _readable(read_documents(inputs), lambda item: note(f"not read: {item}"))
    }
    if not by_hash:
        raise MendableError(f"no article in {', '.join(inputs)}: give files or folders that hold some")
    return [by_hash[sha256] for sha256 in sorted(by_hash)[:limit]]
