"""What is promoted is used: by a server without a restart, and by what is sent to reviewers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from extractor.annotation import Annotation
from extractor.checkpoint_folder import fingerprint, name_of, starter_checkpoint
from extractor.cli.device import Device, Precision
from extractor.cli.promoted import Following, read_again
from extractor.cli.reading import Settings, chosen_checkpoint
from models.checkpoints import Checkpoints, promote
from models.engine import open_database
from models.outbox import Plan
from models.store import Store, load_annotations
from review.queue import Queue
from tests.retraining import stories
from tests.saving import start

SETTINGS = Settings(Device.cpu, Precision.float32)


@pytest.fixture
def known(tmp_path: Path, small_checkpoint: Path) -> Checkpoints:
    """A database that knows the checkpoints ``first`` and ``second``; ``first`` is promoted."""
    engine = open_database(tmp_path / "extractor.db")
    for name in ("first", "second"):
        folder = tmp_path / name
        shutil.copytree(small_checkpoint, folder)
        settings = json.loads((folder / "tagger.json").read_text("utf-8"))
        (folder / "tagger.json").write_text(json.dumps({**settings, "name": name}), "utf-8")
        Store(engine).register_checkpoint(name, fingerprint(folder), str(folder))
    checkpoints = Checkpoints(engine)
    checkpoints.promote("first", "x")
    return checkpoints


def test_a_server_follows_promotions(known: Checkpoints, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tagger = Following(str(tmp_path / "extractor.db"), SETTINGS)
    assert tagger.name() == "first"
    loaded = tagger.extractor()
    assert tagger.extractor() is loaded
    known.promote("second", "x")
    assert tagger.name() == "second"
    known.rollback("x")
    assert tagger.name() == "first"
    (tmp_path / "second" / "config.json").write_text("{}")
    with known.engine.begin() as connection:
        promote(connection, known.find("second").id, "past all checks")
    assert [tagger.name(), tagger.name()] == ["first", "first"]
    assert capsys.readouterr().err.count("second at") == 1  # told of once


def test_without_a_database_a_server_has_the_starter(tmp_path: Path) -> None:
    assert Following(str(tmp_path / "none.db"), SETTINGS).name() == name_of(starter_checkpoint())
    assert not (tmp_path / "none.db").exists()


def test_reviewers_see_what_the_promoted_one_says(known: Checkpoints, tmp_path: Path) -> None:
    store = Store(known.engine)
    old, new = stories(2)
    store.save(start(store), [Annotation(story.document, "starter", ()) for story in (old, new)])
    first = store.begin_run(known.find("first").id, {})
    store.save(first, [Annotation(new.document, "first", new.quotations)])
    plans = [Plan(task.annotation_id, "uncertain") for task in Queue(known.engine).pending()]
    sent = read_again(known.engine, plans)
    assert [plan.reason for plan in sent] == ["uncertain"] * 2
    with known.engine.connect() as connection:
        shown = load_annotations(connection, [plan.annotation_id for plan in sent])
    assert {annotation.checkpoint for annotation in shown.values()} == {"first"}
    assert {a.document.sha256 for a in shown.values()} == {old.document.sha256, new.document.sha256}
    assert read_again(known.engine, sent) == sent
    assert len(Queue(known.engine).pending()) == 2


def test_a_checkpoint_is_chosen_by_name_or_folder_or_promotion(known: Checkpoints, tmp_path: Path) -> None:
    assert chosen_checkpoint(known.engine, None) == tmp_path / "first"
    assert chosen_checkpoint(known.engine, "second") == tmp_path / "second"
    assert chosen_checkpoint(known.engine, str(tmp_path / "second")) == tmp_path / "second"
