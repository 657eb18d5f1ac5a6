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

from tests.program import PROGRAM, extractor, records, start

ROOT = Path(__file__).parents[1]
COMMANDS = ("run", "train", "unpack-base", "evaluate")
SCORES = ("found", "exact", "who")


def test_help_starts_at_once() -> None:
    took = []
    for _ in range(3):
        began = time.monotonic()
        subprocess.run([PROGRAM, "--help"], capture_output=True, check=True)
        took.append(time.monotonic() - began)
    assert min(took) < 1.0  # 0.15 s on an idle machine: the bound leaves room for a busy one


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["run", "--help"], ["train", "--help"], ["unpack-base", "--help"]]
)
def test_what_is_slow_to_import_is_not_imported_for_help(arguments: list[str]) -> None:
    script = f"""
import sys
from extractor.cli import app
try:
    app({arguments!r})
except SystemExit:
    sys.exit(",".join({{"torch", "transformers", "sqlalchemy", "pyarrow", "trafilatura"}} & set(sys.modules)))
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
    for wrong in (
        ["nosuch"],
        ["run"],
        ["train"],
        ["unpack-base"],
        ["evaluate", "missing.jsonl"],
    ):  # what has to be there
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
    assert process.returncode == 130
    assert words.count("interrupted; ") == 1
    assert "Traceback" not in words
    stopped = len(_log(tmp_path / "mine"))
    assert 1 <= stopped < 4
    assert not (tmp_path / "mine" / "model.safetensors").exists()
    log = (tmp_path / "mine" / "training.jsonl").read_text("utf-8")
    done = extractor(*command)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "mine" / "training.jsonl").read_text("utf-8").startswith(log)
    epochs = [entry["epoch"] for entry in _log(tmp_path / "mine")]
    assert sorted(set(epochs)) == [1, 2, 3, 4]
    assert len(epochs) <= 5  # stopped between an epoch's entry and its state, that epoch is done again
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
    scores = json.loads(done.stdout)
    assert list(scores) == ["rules", str(small_checkpoint)]
    assert scores["rules"]["found"]["f1"] > scores[str(small_checkpoint)]["found"]["f1"]


@pytest.mark.parametrize("predicted", ["broken.jsonl", "train.jsonl"])
def test_predictions_that_cannot_be_used_are_one_line(predicted: str, data: Path) -> None:
    (data / "broken.jsonl").write_text('{"id": "a"}\n', "utf-8")
    done = extractor("evaluate", "dev.jsonl", "--predicted", predicted, folder=data)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert predicted in done.stderr
    assert done.stderr.count("\n") == 1
