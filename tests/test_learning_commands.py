"""The commands around training, typed one after another: label, train on, calibrate, record, adapt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from extractor.checkpoint_folder import fingerprint
from tests.program import extractor, records
from tests.stories import articles, write_gold


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gold, and raw articles of which one cannot be read and two are the same."""
    made = tmp_path_factory.mktemp("learning")
    write_gold(made / "gold.jsonl", list(articles(6)))
    write_gold(made / "kept-apart.jsonl", list(articles(20, first_seed=500)))
    raw = [{"id": a.document.id, "text": a.document.raw} for a in articles(8, first_seed=100)]
    lines = [json.dumps(record, ensure_ascii=False) for record in [*raw, raw[0]]]
    (made / "raw.jsonl").write_text("\n".join([*lines, '{"id": "broken"']), "utf-8")
    return made


def settings(folder: Path) -> dict[str, object]:
    read: dict[str, object] = json.loads((folder / "tagger.json").read_text("utf-8"))
    return read


@pytest.fixture(scope="module")
def silver(folder: Path, trained_checkpoint: Path, small_checkpoint: Path) -> Path:
    teachers = ("--checkpoint", trained_checkpoint, "--checkpoint", trained_checkpoint)
    done = extractor("label", "raw.jsonl", *teachers, "--output", "silver.jsonl", folder=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "not read: " in done.stderr
    return folder / "silver.jsonl"


def test_labelled_articles_are_whole_and_each_once(silver: Path) -> None:
    read = records(silver.read_text("utf-8"))
    assert 4 < len(read) <= 8
    assert len({record["text"] for record in read}) == len(read)
    assert any(record["frames"] for record in read)


def test_a_checkpoint_goes_on_learning_from_silver(silver: Path, trained_checkpoint: Path, tmp_path: Path) -> None:
    options = ("--silver", silver, "--epochs", "1", "--encoder-rate", "1e-5", "--head-rate", "1e-4")
    command = (
        "train",
        silver.parent / "gold.jsonl",
        "--base",
        trained_checkpoint,
        *options,
        "--output",
        tmp_path / "on",
    )
    done = extractor(*command)
    assert done.returncode == 0, done.stderr
    assert settings(tmp_path / "on")["sizes"] == settings(trained_checkpoint)["sizes"]
    assert "raw articles" in (tmp_path / "on" / "README.md").read_text("utf-8")
    ran = extractor("run", silver.parent / "gold.jsonl", "--checkpoint", tmp_path / "on", "--no-queue", folder=tmp_path)
    assert any(record["quotations"] for record in records(ran.stdout))


def test_gold_for_evaluation_must_not_be_silver(silver: Path, trained_checkpoint: Path, tmp_path: Path) -> None:
    dev = tmp_path / "dev.jsonl"
    first = records(silver.read_text("utf-8"))[0]["text"]
    write_gold(dev, [article for article in articles(8, first_seed=100) if article.document.raw == first])
    done = extractor(
        "train", silver.parent / "gold.jsonl", "--base", trained_checkpoint, "--silver", silver, "--dev", dev,
        "--output", tmp_path / "on",
    )  # fmt: skip
    assert done.returncode == 1
    assert "1 articles of --dev are in the training data" in done.stderr


def test_calibration_and_scores_go_into_the_card(folder: Path, small_checkpoint: Path, tmp_path: Path) -> None:
    from extractor.checkpoint import load_checkpoint

    mine = tmp_path / "mine"
    load_checkpoint(small_checkpoint).save(mine)
    before, weights = fingerprint(mine), (mine / "model.safetensors").read_bytes()
    recorded = extractor("evaluate", folder / "kept-apart.jsonl", "--checkpoint", mine, "--record", "kept apart")
    assert recorded.returncode == 0, recorded.stderr
    assert "| kept apart | " in (mine / "README.md").read_text("utf-8")
    assert fingerprint(mine) == before  # what is told of it changes nothing
    assert (mine / "model.safetensors").read_bytes() == weights


def test_calibration_changes_what_confidence_says(folder: Path, trained_checkpoint: Path, tmp_path: Path) -> None:
    from extractor.checkpoint import load_checkpoint

    mine = tmp_path / "mine"
    load_checkpoint(trained_checkpoint).save(mine)
    plain = extractor("run", folder / "kept-apart.jsonl", "--checkpoint", mine, "--no-queue", folder=tmp_path)
    done = extractor("calibrate", folder / "kept-apart.jsonl", "--checkpoint", mine)
    if done.returncode:  # it knows even these by heart
        assert "needs both kinds" in done.stderr
        assert done.stderr.count("\n") == 1
        return
    assert "calibration error" in done.stderr
    after = extractor("run", folder / "kept-apart.jsonl", "--checkpoint", mine, "--no-queue", folder=tmp_path)
    confidences = [[q["confidence"] for r in records(ran.stdout) for q in r["quotations"]] for ran in (plain, after)]
    assert len(confidences[0]) == len(confidences[1])
    assert confidences[0] != confidences[1]
    assert "fitted to" in (mine / "README.md").read_text("utf-8")


def test_record_wants_one_checkpoint(folder: Path) -> None:
    done = extractor("evaluate", folder / "gold.jsonl", "--record", "dev")
    assert done.returncode == 2


def test_an_encoder_is_adapted_and_trains(folder: Path, small_encoder: Path, tmp_path: Path) -> None:
    done = extractor(
        "adapt", folder / "raw.jsonl", "--base", small_encoder, "--output", tmp_path / "news", "--limit", "5"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    trained = extractor(
        "train", folder / "gold.jsonl", "--base", tmp_path / "news", "--epochs", "1", "--output", tmp_path / "mine"
    )
    assert trained.returncode == 0, trained.stderr


def test_nothing_to_learn_from_is_one_line(folder: Path, small_encoder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    for command in (
        ("adapt", "empty.jsonl", "--base", small_encoder, "--output", "news"),
        ("label", "empty.jsonl", "--output", "silver.jsonl"),
    ):
        done = extractor(*command, folder=tmp_path)
        assert done.returncode == 1
        assert "no article in empty.jsonl" in done.stderr
