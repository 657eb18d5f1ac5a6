"""The program's commands: their start, their help, training and evaluation by the command line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from extractor.annotation import Annotation, annotation_as_dict
from extractor.gold import read_gold
from tests.program import PROGRAM, extractor, records, start

ROOT = Path(__file__).parents[1]
GOLD = ROOT / "seeds" / "gold.jsonl"
COMMANDS = ("run", "train", "unpack-base", "adapt", "label", "calibrate", "evaluate", "serve", "retrain", "lineage")
SCORES = ("found", "exact", "who")


def test_help_starts_at_once() -> None:
    took = []
    for _ in range(3):
        began = time.monotonic()
        subprocess.run([PROGRAM, "--help"], capture_output=True, check=True)
        took.append(time.monotonic() - began)
    assert min(took) < 1.0  # 0.15 s on an idle machine: the bound leaves room for a busy one


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["run", "--help"],
        ["train", "--help"],
        ["unpack-base", "--help"],
        ["report", "quality", "--help"],
    ],
)
def test_what_is_slow_to_import_is_not_imported_for_help(arguments: list[str]) -> None:
    script = f"""
import sys
from extractor.cli import app
try:
    app({arguments!r})
except SystemExit:
    slow = {{"torch", "transformers", "sqlalchemy", "pyarrow", "trafilatura", "matplotlib", "jinja2"}}
    sys.exit(",".join(slow & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


def test_every_command_is_described_with_an_example() -> None:
    listed = extractor("--help").stdout
    for command in COMMANDS:
        assert f" {command} " in listed
        done = extractor(command, "--help")
        assert done.returncode == 0
        assert f"Example: extractor {command} " in " ".join(done.stdout.split())


def test_version_and_wrong_commands() -> None:
    assert extractor("--version").stdout.strip()
    # What has to be there.
    for wrong in (["nosuch"], ["run"], ["train"], ["unpack-base"], ["evaluate", "missing.jsonl"]):
        done = extractor(*wrong)
        assert (done.returncode, done.stdout) == (2, "")


# Training


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``train.jsonl`` and ``dev.jsonl``: the first six examples, and the two after them."""
    folder = tmp_path_factory.mktemp("data")
    lines = (ROOT / "seeds" / "examples.jsonl").read_text("utf-8").split("\n")
    (folder / "train.jsonl").write_text("\n".join(lines[:6]) + "\n", "utf-8")
    (folder / "dev.jsonl").write_text("\n".join(lines[6:8]) + "\n", "utf-8")
    return folder


def _command(data: Path, encoder: Path, output: Path, epochs: int) -> list[str | Path]:
    options = ("--output", output, "--epochs", str(epochs), "--batch-pieces", "512")
    return ["train", data / "train.jsonl", "--base", encoder, *options]


def _log(output: Path) -> list[dict[str, Any]]:
    path = output / "training.jsonl"
    return records(path.read_text("utf-8")) if path.exists() else []


def test_training_makes_a_checkpoint_that_runs(data: Path, small_encoder: Path, tmp_path: Path) -> None:
    done = extractor(*_command(data, small_encoder, tmp_path / "mine", 2), "--dev", data / "dev.jsonl")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    *epochs, ready = done.stderr.strip().split("\n")
    assert [words.split(":")[0] for words in epochs] == ["epoch 1", "epoch 2"]
    assert ready.startswith(f"checkpoint {tmp_path / 'mine'} is ready")
    assert [entry["epoch"] for entry in _log(tmp_path / "mine")] == [1, 2]
    assert all(0 <= entry[name][0] <= 1 for entry in _log(tmp_path / "mine") for name in SCORES)
    assert (tmp_path / "mine" / "training.png").read_bytes().startswith(b"\x89PNG")
    article = data / "dev.jsonl"
    ran = extractor("run", article, "--checkpoint", tmp_path / "mine", "--no-queue", folder=tmp_path)
    assert [record["checkpoint"] for record in records(ran.stdout)] == ["mine", "mine"]


def test_an_interrupted_training_continues(data: Path, small_encoder: Path, tmp_path: Path) -> None:
    command = _command(data, small_encoder, tmp_path / "mine", 4)
    process = start(*command, folder=tmp_path)
    deadline = time.monotonic() + 60
    while not _log(tmp_path / "mine") and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, words = process.communicate(timeout=60)
    assert process.returncode == 130, words
    assert words.count("interrupted; ") == 1
    assert "Traceback" not in words
    stopped = len(_log(tmp_path / "mine"))
    assert 1 <= stopped < 4
    assert not (tmp_path / "mine" / "model.safetensors").exists()
    done = extractor(*command)
    assert done.returncode == 0, done.stderr
    assert [entry["epoch"] for entry in _log(tmp_path / "mine")] == [1, 2, 3, 4]
    assert (tmp_path / "mine" / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"--base": "no/such/encoder"}, "no/such/encoder"),
        ({"--dev": "train.jsonl"}, "6 articles of --dev are in the training data"),
        ({"--dev": "broken.jsonl"}, "broken.jsonl, line 1"),
        ({"--output": "train.jsonl"}, "train.jsonl"),
        ({"--device": "cuda"}, "no GPU"),
    ],
)
def test_what_a_user_can_mend_is_one_line(
    wrong: dict[str, str], said: str, data: Path, small_encoder: Path, tmp_path: Path
) -> None:
    if "--device" in wrong and _has_gpu():
        pytest.skip("this machine has a GPU")
    (data / "broken.jsonl").write_text('{"id": "a"}\n', "utf-8")
    options: dict[str, str | Path] = {"--base": small_encoder, "--output": tmp_path / "mine", **wrong}
    done = extractor("train", "train.jsonl", *chain.from_iterable(options.items()), folder=data)
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


# Evaluation


def test_evaluation_is_a_table_with_the_rules_beside(data: Path, small_checkpoint: Path, tmp_path: Path) -> None:
    ran = extractor("run", data / "dev.jsonl", "--checkpoint", small_checkpoint, "--no-queue", folder=tmp_path)
    (tmp_path / "mine.jsonl").write_text(ran.stdout, "utf-8")
    done = extractor("evaluate", data / "dev.jsonl", "--predicted", "mine.jsonl", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "rules" in done.stdout
    assert "mine" in done.stdout


def test_evaluation_is_json_for_programs(data: Path, small_checkpoint: Path) -> None:
    done = extractor("evaluate", data / "dev.jsonl", "--checkpoint", small_checkpoint, "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    scores = record["systems"]
    assert list(scores) == ["rules", str(small_checkpoint)]
    assert scores["rules"]["found"]["f1"] > scores[str(small_checkpoint)]["found"]["f1"]
    assert [(found["system"], found["measure"]) for found in record["differences"]] == [
        ("rules", measure) for measure in SCORES
    ]
    assert record["differences"][0]["difference"] > 0


@pytest.fixture(scope="module")
def annotated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what two systems say of seeds/gold.jsonl: ``a/out.jsonl`` all of gold, ``b/out.jsonl`` half."""
    folder = tmp_path_factory.mktemp("annotated")
    gold = list(read_gold(GOLD))
    for name, step in (("a", 1), ("b", 2)):
        (folder / name).mkdir()
        half = [Annotation(article.document, name, article.quotations[::step]) for article in gold]
        lines = [json.dumps(annotation_as_dict(annotation), ensure_ascii=False) for annotation in half]
        (folder / name / "out.jsonl").write_text("\n".join(lines), "utf-8")
    (folder / "rules.jsonl").write_text((folder / "b" / "out.jsonl").read_text("utf-8"), "utf-8")
    return folder


def test_every_file_has_a_row_of_its_own(annotated: Path) -> None:
    files = ("a/out.jsonl", "b/out.jsonl", "b/out.jsonl", "rules.jsonl")
    options = chain.from_iterable(("--predicted", file) for file in files)
    done = extractor("evaluate", GOLD, *options, "--json", folder=annotated)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    scores = record["systems"]
    assert list(scores) == ["rules", "a/out.jsonl", "b/out.jsonl", "b/out.jsonl (2)", "rules.jsonl"]
    assert scores["a/out.jsonl"]["who"]["f1"] == 1.0
    assert scores["rules.jsonl"] == scores["b/out.jsonl"] != scores["rules"]
    assert {found["reference"] for found in record["differences"]} == {"a/out.jsonl"}
    assert [found["measure"] for found in record["differences"]] == [*SCORES] * 4
    assert all(found["high"] < 0 and found["p"] < 0.01 for found in record["differences"])


def test_tables_are_whole_in_a_pipe_and_differences_are_among_them(annotated: Path) -> None:
    command = ("evaluate", GOLD, "--predicted", "a/out.jsonl", "--predicted", "rules.jsonl")
    done = extractor(*command, folder=annotated)
    assert done.returncode == 0, done.stderr
    assert "F1 less that of out" in done.stdout
    assert "1.000 [1.000–1.000]" in done.stdout
    assert "by paired bootstrap" in done.stdout
    assert "anonymous" not in done.stdout
    more = extractor(*command, "--details", folder=annotated).stdout
    assert more.startswith(done.stdout)
    for word in ("anonymous", "omitted", "examples", "false alarms", "overlap"):
        assert word in more


@pytest.mark.parametrize(("name", "begins"), [("scores.png", b"\x89PNG"), ("scores.SVG", b"<?xml")])
def test_evaluation_is_a_picture(name: str, begins: bytes, annotated: Path, tmp_path: Path) -> None:
    command = ("evaluate", GOLD, "--predicted", annotated / "a" / "out.jsonl", "--picture", tmp_path / name)
    done = extractor(*command)
    assert (done.returncode, done.stderr) == (0, "")
    drawn = (tmp_path / name).read_bytes()
    assert drawn.startswith(begins)
    extractor(*command)
    assert (tmp_path / name).read_bytes() == drawn


@pytest.mark.parametrize("picture", ["scores.jpg", "scores", "nowhere/scores.png", "full.png"])
def test_a_picture_that_cannot_be_drawn_is_one_line(picture: str, annotated: Path) -> None:
    if picture == "full.png":
        (annotated / picture).symlink_to("/dev/full")  # as a full disk
    done = extractor("evaluate", GOLD, "--predicted", "a/out.jsonl", "--picture", picture, folder=annotated)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert picture.split("/")[0] in done.stderr
    assert done.stderr.count("\n") == 1


def test_gold_without_articles_is_one_line(annotated: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n", "utf-8")
    done = extractor("evaluate", tmp_path / "empty.jsonl", "--predicted", annotated / "rules.jsonl")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {tmp_path / 'empty.jsonl'} holds no articles")


@pytest.mark.parametrize("predicted", ["broken.jsonl", "train.jsonl"])
def test_predictions_that_cannot_be_used_are_one_line(predicted: str, data: Path) -> None:
    (data / "broken.jsonl").write_text('{"id": "a"}\n', "utf-8")
    done = extractor("evaluate", "dev.jsonl", "--predicted", predicted, folder=data)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert predicted in done.stderr
    assert done.stderr.count("\n") == 1
