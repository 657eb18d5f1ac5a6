"""A checkpoint on disk: what was saved comes back; what cannot be loaded says so in one line."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from extractor.checkpoint import Checkpoint, load_checkpoint, new_tagger
from extractor.checkpoint_folder import CheckpointError, find_checkpoint, fingerprint, name_of
from extractor.pieces import batch
from extractor.reading import read
from extractor.tagger import HeadSizes
from tests.encoders import ARCHITECTURES

SENTENCE = "قال وزير الطاقة سامر الحلبي إن الإنتاج سيرتفع هذا العام .".split()
SIZES = HeadSizes(word=16, distance=4, roles=12)


@pytest.fixture
def folder(small_checkpoint: Path, tmp_path: Path) -> Path:
    """A copy, to be damaged."""
    return shutil.copytree(small_checkpoint, tmp_path / "checkpoint")


def one_line(error: pytest.ExceptionInfo[CheckpointError]) -> str:
    message = str(error.value)
    assert "\n" not in message
    assert message
    return message


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_was_saved_comes_back(architecture: str, tmp_path: Path, texts: list[str]) -> None:
    encoder = ARCHITECTURES[architecture](tmp_path / "encoder", texts)
    torch.manual_seed(1)
    tagger, pieces = new_tagger(encoder, SIZES)
    tagger.eval()
    saved = Checkpoint("تجربة", tagger, pieces, threshold=0.4, facts={"examples": 3, "note": "ملاحظة"})
    saved.save(tmp_path / "checkpoint")
    loaded = load_checkpoint(tmp_path / "checkpoint")
    assert (loaded.name, loaded.threshold, loaded.facts) == (saved.name, saved.threshold, saved.facts)
    assert loaded.tagger.sizes == SIZES
    assert loaded.tagger.window_pieces == tagger.window_pieces
    assert loaded.pieces.of(SENTENCE) == pieces.of(SENTENCE)
    before, after = tagger.state_dict(), loaded.tagger.state_dict()
    assert before.keys() == after.keys()
    for key, tensor in before.items():
        torch.testing.assert_close(after[key], tensor.half().float() if tensor.is_floating_point() else tensor)
    inputs = batch([SENTENCE], pieces)
    with torch.inference_mode():
        torch.testing.assert_close(loaded.tagger.words(inputs), tagger.words(inputs), rtol=1e-2, atol=1e-2)


def test_weights_are_half_precision_and_saving_again_is_exact(small_checkpoint: Path, tmp_path: Path) -> None:
    weights = load_file(small_checkpoint / "model.safetensors")
    assert {tensor.dtype for tensor in weights.values() if tensor.is_floating_point()} == {torch.float16}
    load_checkpoint(small_checkpoint).save(tmp_path)
    again = load_file(tmp_path / "model.safetensors")
    assert all(torch.equal(again[key], tensor) for key, tensor in weights.items())
    assert not list(tmp_path.glob("*.bin"))


def test_loading_twice_reads_alike(small_checkpoint: Path) -> None:
    frames = [
        read([checkpoint.tagger], [batch([SENTENCE], checkpoint.pieces)], checkpoint.threshold)
        for checkpoint in (load_checkpoint(small_checkpoint), load_checkpoint(str(small_checkpoint)))
    ]
    assert frames[0] == frames[1]
    assert frames[0][0].frames


def test_the_name_is_known_without_loading(small_checkpoint: Path) -> None:
    assert name_of(small_checkpoint) == "talkative"


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def with_settings(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        settings = json.loads((folder / "tagger.json").read_text("utf-8"))
        (folder / "tagger.json").write_text(json.dumps(settings | changes), "utf-8")

    return change


def with_text(name: str, text: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).write_text(text, "utf-8")

    return change


def truncated(folder: Path) -> None:
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[: len(weights) // 2])


def pickled(folder: Path) -> None:
    """Weights as a pickle, which may run any program when it is opened."""
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")


def pickle_by_another_name(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(pickle.dumps({"weights": [1, 2, 3]}))


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(without("tagger.json"), id="no settings"),
        pytest.param(without("config.json"), id="no config"),
        pytest.param(without("model.safetensors"), id="no weights"),
        pytest.param(without("tokenizer.json"), id="no tokenizer"),
        pytest.param(with_settings(format=99), id="another format"),
        pytest.param(with_settings(tags=["OUTSIDE", "B", "I"]), id="another label set"),
        pytest.param(with_settings(kinds=["organization", "person"]), id="other kinds"),
        pytest.param(with_settings(sizes={"word": 99}), id="other sizes"),
        pytest.param(with_settings(sizes={"breadth": 1}), id="unknown size"),
        pytest.param(with_text("tagger.json", "{"), id="settings cut short"),
        pytest.param(with_text("tagger.json", "[1]"), id="settings of another shape"),
        pytest.param(with_text("tagger.json", "{}"), id="empty settings"),
        pytest.param(with_text("config.json", "{"), id="config cut short"),
        pytest.param(with_text("config.json", '{"model_type": "unheard-of"}'), id="unknown architecture"),
        pytest.param(with_text("tokenizer.json", "{"), id="tokenizer cut short"),
        pytest.param(truncated, id="weights cut short"),
        pytest.param(pickled, id="pickled weights"),
        pytest.param(pickle_by_another_name, id="a pickle that says safetensors"),
    ],
)
def test_a_damaged_checkpoint_is_refused_in_one_line(folder: Path, damage: Callable[[Path], None]) -> None:
    damage(folder)
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(folder)
    assert str(folder) in one_line(error)


@pytest.mark.parametrize(
    "where",
    ["nowhere", "./nowhere", "/nowhere/at/all", "~/nowhere", "a/b/c", "somebody/arabic-quotations"],
)
def test_where_there_is_none_the_error_says_what_was_sought(where: str) -> None:
    """The last is a hub name; the tests run offline, which is one of the ways in which a hub can fail."""
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(where)
    assert where in one_line(error)


def test_a_file_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    with pytest.raises(CheckpointError, match="no checkpoint"):
        find_checkpoint(tmp_path / "file")


@pytest.mark.parametrize("changed", ["model.safetensors", "config.json", "tokenizer.json"])
def test_the_fingerprint_changes_with_a_byte(folder: Path, changed: str) -> None:
    before = fingerprint(folder)
    assert fingerprint(folder) == before
    content = bytearray((folder / changed).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / changed).write_bytes(content)
    assert fingerprint(folder) != before


def test_the_fingerprint_is_of_what_decides_not_of_what_is_told(folder: Path) -> None:
    before = fingerprint(folder)
    with_settings(facts={"scores": "good"})(folder)
    assert fingerprint(folder) == before
    with_settings(threshold=0.31)(folder)
    assert fingerprint(folder) != before


def test_the_fingerprint_is_of_the_files_not_of_the_place(small_checkpoint: Path, folder: Path) -> None:
    (folder / "README.md").write_text("a card")
    assert fingerprint(folder) == fingerprint(small_checkpoint)


def test_the_fingerprint_of_half_a_checkpoint_is_an_error(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="is not whole"):
        fingerprint(folder)


def test_a_base_encoder_with_pickled_weights_is_refused(small_encoder: Path, tmp_path: Path) -> None:
    base = shutil.copytree(small_encoder, tmp_path / "base")
    pickled(base)
    with pytest.raises(CheckpointError) as error:
        new_tagger(base)
    assert str(base) in one_line(error)


@pytest.mark.parametrize("base", ["/nowhere", "somebody/arabic-bert"])
def test_a_base_encoder_that_is_not_there_is_an_error(base: str) -> None:
    with pytest.raises(CheckpointError) as error:
        new_tagger(base)
    assert base in one_line(error)


def test_a_base_without_the_tokens_of_a_bert_is_an_error(small_encoder: Path, tmp_path: Path) -> None:
    base = shutil.copytree(small_encoder, tmp_path / "base")
    (base / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    with pytest.raises(CheckpointError) as error:
        new_tagger(base)
    assert "not that of a BERT-like encoder" in one_line(error)


def test_a_base_without_its_tokenizer_is_an_error(small_encoder: Path, tmp_path: Path) -> None:
    base = shutil.copytree(small_encoder, tmp_path / "base")
    (base / "tokenizer.json").unlink()
    with pytest.raises(CheckpointError) as error:
        new_tagger(base)
    assert "knows no words" in one_line(error)
