"""Retraining: when it begins, what it learns from, what a kill leaves, and that only a better checkpoint is used."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from extractor.checkpoint_folder import CheckpointError, fingerprint
from extractor.quotation import Speaker, SpeakerKind
from models.checkpoints import Checkpoints
from models.datasets import DatasetError, Datasets
from models.engine import open_database
from models.learning_tables import RetrainingState
from models.retrainings import Retraining, Retrainings
from models.reviews import Reviews
from models.store import Store
from models.tables import Purpose
from review.accepted import LeakError, accepted, check_apart
from review.retrain import BusyError, OutOfTimeError, Retrainer, Waiting
from tests.program import extractor, records, rows
from tests.retraining import (
    GOLD,
    LABELS,
    REPLAY,
    ROOT,
    Scripted,
    accept,
    prepare,
    retrainer,
    settings,
    stories,
)
from tests.stories import write_gold


def run(folder: Path, template: Path, **options: Any) -> Retraining | Waiting:
    least = options.pop("least", LABELS)
    return retrainer(folder, Scripted(folder, template, **options), least).run()


def judged(ended: Retraining | Waiting) -> Retraining:
    assert isinstance(ended, Retraining)
    return ended


# When


def test_too_few_labels_wait_until_they_are_old(tmp_path: Path, small_checkpoint: Path) -> None:
    engine = prepare(tmp_path, 2)
    young = retrainer(tmp_path, Scripted(tmp_path, small_checkpoint), least=50)
    young._settings = replace(settings(tmp_path, 50), patience=timedelta(days=99999))
    ended = young.run()
    assert isinstance(ended, Waiting)
    assert str(ended) == "nothing to do: 2 newly accepted articles since 2026-01-01, 50 are awaited"
    assert Retrainings(engine).running() is None
    assert judged(run(tmp_path, small_checkpoint, least=50)).state is RetrainingState.PROMOTED  # since January


def test_what_was_learned_is_not_new(tmp_path: Path, small_checkpoint: Path) -> None:
    engine = prepare(tmp_path)
    first = judged(run(tmp_path, small_checkpoint))
    again = run(tmp_path, small_checkpoint, least=1)
    assert isinstance(again, Waiting)
    assert again.new == 0
    accept(engine, stories(2, 500))
    second = judged(run(tmp_path, small_checkpoint, least=2))
    assert second.dataset != first.dataset
    assert len(Datasets(engine).load(second.dataset).labels) == LABELS + 2


def test_a_second_one_at_once_is_refused(tmp_path: Path, small_checkpoint: Path) -> None:
    prepare(tmp_path)
    with retrainer(tmp_path, Scripted(tmp_path, small_checkpoint))._alone(), pytest.raises(BusyError):
        run(tmp_path, small_checkpoint)


# What it learns from


def test_a_dataset_is_its_manifest(tmp_path: Path, small_checkpoint: Path) -> None:
    engine = prepare(tmp_path)
    scripted = Scripted(tmp_path, small_checkpoint)
    ended = judged(retrainer(tmp_path, scripted).run())
    dataset = Datasets(engine).load(ended.dataset)
    assert dataset.id == ended.dataset
    assert {label.article for label in dataset.labels} == {a.document.sha256 for a in stories(LABELS)}
    assert {label.reviewer for label in dataset.labels} == {"a@b.c"}
    (lesson,) = scripted.lessons
    assert len(lesson.articles) == LABELS + REPLAY
    assert lesson.base == "encoder"
    assert lesson.facts["dataset"] == dataset.id
    assert {"extractor", "torch", "transformers"} <= set(ended.facts["made_with"])


def test_a_dataset_that_was_tampered_with_is_refused(tmp_path: Path, small_checkpoint: Path) -> None:
    engine = prepare(tmp_path)
    ended = judged(run(tmp_path, small_checkpoint))
    datasets = Datasets(engine)
    dataset = datasets.load(ended.dataset)
    with engine.begin() as connection:
        connection.execute(text("UPDATE quotations SET type = 'mixed' WHERE type = 'direct'"))
    with pytest.raises(DatasetError, match="was changed"):
        datasets.annotations(dataset)
    with engine.begin() as connection:
        connection.execute(text("UPDATE datasets SET manifest = replace(manifest, 'a@b.c', 'x@y.z')"))
    with pytest.raises(DatasetError, match="manifest"):
        datasets.load(ended.dataset)


def test_gold_and_its_copies_never_train(tmp_path: Path, small_checkpoint: Path) -> None:
    """Blind articles, those that nobody has read yet, the shipped gold, and near-duplicates of each."""
    engine = prepare(tmp_path)
    blind = stories(3, 600)
    accept(engine, blind, Purpose.BLIND)
    copies = [replace(b, document=replace(b.document, raw=f"{b.document.raw}\nتابعونا")) for b in blind]
    shipped = stories(1, 1000)
    in_both = stories(2, 0)
    accept(engine, [*copies, *shipped])
    accept(engine, in_both, Purpose.BLIND)
    with engine.begin() as connection:  # one that nobody has read yet
        connection.execute(text("DELETE FROM reviews WHERE push_id = (SELECT max(id) FROM pushes)"))
    found = accepted(Reviews(engine), tmp_path / "gold.jsonl", tmp_path / "replay.jsonl")
    trains = {reviewed.annotation.document.sha256 for reviewed in found.labels}
    assert trains == {a.document.sha256 for a in stories(LABELS - 2, 2)}
    assert found.left_out == 3 + 1 + 2
    assert len(found.gold) == 3 + 1 + GOLD
    scripted = Scripted(tmp_path, small_checkpoint)
    ended = judged(retrainer(tmp_path, scripted, least=2).run())
    assert ended.state is RetrainingState.PROMOTED
    learned = {article.document.sha256 for article in scripted.lessons[0].articles}
    assert not learned & {a.document.sha256 for a in (*blind, *copies, *shipped, *in_both)}
    with pytest.raises(LeakError, match="letter for letter"):
        check_apart(found.gold, [found.gold[0].document])
    with pytest.raises(LeakError, match="near-duplicate"):
        check_apart(found.gold, [copies[0].document])


def test_the_last_reading_holds_and_the_adjudicators_before_it(tmp_path: Path) -> None:
    engine = prepare(tmp_path, 1)
    reading = stories(1)[0]
    other = replace(reading, quotations=reading.quotations[:1])
    accept(engine, [other], reviewer="judge@b.c")
    paths = tmp_path / "gold.jsonl", tmp_path / "replay.jsonl"
    by_last = accepted(Reviews(engine), *paths).labels
    by_judge = accepted(Reviews(engine), *paths, adjudicators=["judge@b.c"]).labels
    assert [r.reviewer for r in by_judge] == ["judge@b.c"]
    assert len(by_last) == 1


def test_labels_that_are_contradicted_go_back_to_their_reviewers(tmp_path: Path, small_checkpoint: Path) -> None:
    engine = prepare(tmp_path, LABELS - 1)
    slip = stories(LABELS)[-1]
    wrong = replace(slip.quotations[0], speaker=Speaker("رجل آخر", SpeakerKind.PERSON))
    accept(engine, [replace(slip, quotations=(wrong, *slip.quotations[1:]))])
    ended = judged(run(tmp_path, small_checkpoint))
    assert ended.facts["contradicted"] == 1
    (found,) = Reviews(engine).troubles()
    assert found.document_id == slip.document.id
    assert found.trouble.fault == "contradicted"
    assert "not رجل آخر" in found.trouble.detail
    accept(engine, stories(1, 700))
    assert judged(run(tmp_path, small_checkpoint, least=1)).facts["contradicted"] == 0  # nobody is asked twice


# How it ends


def test_better_is_promoted_and_used_the_same_is_kept(tmp_path: Path, small_checkpoint: Path) -> None:
    engine = prepare(tmp_path)
    ended = judged(run(tmp_path, small_checkpoint))
    assert ended.state is RetrainingState.PROMOTED
    current = Checkpoints(engine).current()
    assert current
    assert current.name == ended.candidate == ended.name
    assert current.verified() == tmp_path / "checkpoints" / ended.name
    assert not (current.verified() / "state").exists()
    accept(engine, stories(1, 500))
    same = judged(run(tmp_path, small_checkpoint, least=1))
    assert same.state is RetrainingState.KEPT
    assert same.verdict
    assert same.verdict.startswith("the same answers")
    worse = Retrainer(
        engine,
        replace(settings(tmp_path, 1), seed=2),
        (bad := Scripted(tmp_path, small_checkpoint, knows=0.5)).train,
        lambda folder, documents: (Scripted(tmp_path, small_checkpoint) if folder.name == ended.name else bad).read(
            folder, documents
        ),
    )
    accept(engine, stories(1, 501))
    assert judged(worse.run()).state is RetrainingState.KEPT
    assert Checkpoints(engine).current() == current


def test_a_mistake_ends_as_failed_and_is_tried_again(tmp_path: Path, small_checkpoint: Path) -> None:
    prepare(tmp_path)
    scripted = Scripted(tmp_path, small_checkpoint)

    def broken(*_: object) -> None:
        raise CheckpointError("encoder nowhere cannot be loaded")

    failing = Retrainer(open_database(tmp_path / "extractor.db"), settings(tmp_path), broken, scripted.read)
    ended = judged(failing.run())
    assert (ended.state, ended.verdict) == (RetrainingState.FAILED, "encoder nowhere cannot be loaded")
    assert judged(run(tmp_path, small_checkpoint)).state is RetrainingState.PROMOTED


def test_out_of_time_goes_on_with_the_options_that_it_began_with(tmp_path: Path, small_checkpoint: Path) -> None:
    engine = prepare(tmp_path)
    scripted = Scripted(tmp_path, small_checkpoint)

    def late(*_: object) -> None:
        raise OutOfTimeError("out of time")

    with pytest.raises(OutOfTimeError):
        Retrainer(engine, settings(tmp_path, seed=5), late, scripted.read).run()
    began = Retrainings(engine).running()
    assert began
    ended = judged(retrainer(tmp_path, scripted).run())
    assert (ended.id, ended.seed, scripted.lessons[0].seed) == (began.id, 5, 5)


def test_a_rollback_meanwhile_is_compared_again(tmp_path: Path, small_checkpoint: Path) -> None:
    engine = prepare(tmp_path)
    Store(engine).register_checkpoint("talkative", fingerprint(small_checkpoint), str(small_checkpoint))
    scripted = Scripted(tmp_path, small_checkpoint)
    reads: list[Path] = []

    def read(folder: Path, documents: Any) -> Any:
        reads.append(folder)
        if len(reads) == 3:  # the champion's turn
            Checkpoints(engine).promote("talkative", "meanwhile")
        return scripted.read(folder, documents)

    ended = judged(Retrainer(engine, settings(tmp_path), scripted.train, read).run())
    assert ended.state is RetrainingState.PROMOTED
    assert ended.champion == "talkative"
    assert reads[3] == small_checkpoint


@pytest.mark.parametrize("point", ["train", "trained", "read1", "read2", "read3"])
def test_killed_anywhere_it_goes_on(point: str, tmp_path: Path, small_checkpoint: Path) -> None:
    engine = prepare(tmp_path)

    def program(point: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tests.retraining", str(tmp_path), str(small_checkpoint), point]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert program(point).returncode == -signal.SIGKILL
    before = Retrainings(engine).running()
    assert before
    assert Checkpoints(engine).current() is None
    shutil.copytree(small_checkpoint, tmp_path / "checkpoints" / f".{before.name}.part")  # as a kill while copying
    (tmp_path / "checkpoints" / ".retrained-0-0.training").mkdir()  # as one after the verdict
    done = program("")
    assert (done.returncode, done.stdout) == (0, "promoted"), done.stderr
    ended = Retrainings(engine).judged()
    assert [one.id for one in ended] == [before.id]
    current = Checkpoints(engine).current()
    assert current
    assert current.verified().name == before.name
    left = {path.name for path in (tmp_path / "checkpoints").iterdir()}
    assert left - {f".{before.name}.part"} == {before.name, ".retrain.lock"}
    assert program("").stdout.startswith("nothing to do")
    assert rows(tmp_path / "extractor.db", "PRAGMA foreign_key_check") == []


# As a user does


def test_the_whole_loop_on_the_command_line(tmp_path: Path, small_encoder: Path, small_checkpoint: Path) -> None:
    """A checkpoint that knows nothing is replaced by one that learned from reviewers, which the next run uses."""
    engine = open_database(tmp_path / "extractor.db")
    accept(engine, stories(LABELS), checkpoint=small_checkpoint)
    write_gold(tmp_path / "gold.jsonl", stories(GOLD, 1000))
    write_gold(tmp_path / "replay.jsonl", stories(REPLAY, 2000))
    promoted = extractor("checkpoints", "promote", "talkative", folder=tmp_path)
    assert promoted.returncode == 0, promoted.stderr
    data = ("--gold", tmp_path / "gold.jsonl", "--replay", tmp_path / "replay.jsonl", "--json")
    rates = ("--epochs", "8", "--batch-pieces", "400", "--encoder-rate", "3e-3", "--head-rate", "1e-2")
    command = ("retrain", "--base", small_encoder, *data, *rates, "--max-days", "99999")
    quiet = extractor(*command, "--quiet", folder=tmp_path)
    assert (quiet.returncode, quiet.stderr) == (0, "")
    assert json.loads(quiet.stdout)["state"] == "waiting"
    done = extractor(*command, "--min-articles", str(LABELS), folder=tmp_path)
    ended = json.loads(done.stdout)
    assert (done.returncode, ended["state"]) == (0, "promoted"), done.stderr
    assert ended["scores"]["gold_articles"] == GOLD
    assert ended["champion"] == "talkative"
    assert extractor(*command, folder=tmp_path).returncode == 0

    (tmp_path / "new.txt").write_text(stories(1, 3000)[0].document.raw, "utf-8")
    ran = records(extractor("run", "new.txt", folder=tmp_path).stdout)
    assert ran[0]["checkpoint"] == ended["candidate"]
    assert extractor("checkpoints", "show", ended["candidate"], folder=tmp_path).returncode == 0
    began = time.monotonic()
    back = extractor("checkpoints", "rollback", folder=tmp_path)
    took = time.monotonic() - began
    assert back.stderr == "talkative is used again\n"
    assert took < 5  # 0.6 s on an idle machine: the bound leaves room for a busy one
    assert records(extractor("run", "new.txt", folder=tmp_path).stdout)[0]["checkpoint"] == "talkative"

    assert extractor("checkpoints", "promote", ended["candidate"], folder=tmp_path).returncode == 0
    weights = tmp_path / "checkpoints" / ended["candidate"] / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    spoilt = extractor("run", "new.txt", folder=tmp_path)
    assert spoilt.returncode == 1
    assert "was changed since it was registered: restore it, or run extractor checkpoints rollback" in spoilt.stderr
