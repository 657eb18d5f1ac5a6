"""Words as pieces of any tokenizer, passages side by side."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

from extractor.checkpoint import load_checkpoint, new_tagger
from extractor.pieces import MAX_PIECES_A_WORD, Pieces, batch, side_by_side
from tests.encoders import ARCHITECTURES
from tests.mangled import MARKS, SEEN, UNSEEN, WORDS

SENTENCE = ["قال", "وزير", "الطاقة", ":", "«", "الإنتاج", "مستقر", "»", ".", "\n"]


@pytest.fixture(scope="module")
def pieces(small_checkpoint: Path) -> Pieces:
    return load_checkpoint(small_checkpoint).pieces


@given(st.lists(st.sampled_from([*SENTENCE, *WORDS, *MARKS, *SEEN, *UNSEEN]) | st.text(min_size=1, max_size=60)))
def test_every_word_has_its_own_pieces(pieces: Pieces, words: list[str]) -> None:
    found = pieces.of(words)
    assert len(found) == len(words)
    assert all(1 <= len(ids) <= MAX_PIECES_A_WORD for ids in found)
    assert found == [pieces.of([word])[0] for word in words]


def test_a_known_word_is_spelled_by_its_pieces(pieces: Pieces) -> None:
    for word, ids in zip(["قال", "وزير", "المصفاة"], pieces.of(["قال", "وزير", "المصفاة"]), strict=True):
        assert str(pieces.tokenizer.decode(list(ids))).replace(" ", "") == word


def test_the_start_of_a_batch_is_cut_nowhere(pieces: Pieces) -> None:
    long, short = SENTENCE * 2, SENTENCE[:3]
    made = batch([long, short], pieces)
    assert made.word_mask.sum(1).tolist() == [20, 3]
    assert made.piece_mask.sum(1).tolist() == [2 + sum(map(len, pieces.of(words))) for words in (long, short)]
    for row, words in enumerate((long, short)):
        for i, ids in enumerate(pieces.of(words)):
            first, last = int(made.first_piece[row, i]), int(made.last_piece[row, i])
            assert made.pieces[row, first : last + 1].tolist() == list(ids)
    assert made.pieces[:, 0].tolist() == [pieces.start] * 2
    assert made.pieces[1][~made.piece_mask[1]].tolist() == [pieces.padding] * int((~made.piece_mask[1]).sum())


def test_a_passage_without_words_is_an_error(pieces: Pieces) -> None:
    with pytest.raises(ValueError, match="without words"):
        batch([SENTENCE, []], pieces)


def test_a_tokenizer_without_padding_is_an_error(tmp_path: Path) -> None:
    Tokenizer(WordLevel({"a": 0, "</s>": 1}, "a")).save(str(tmp_path / "tokenizer.json"))
    plain = PreTrainedTokenizerFast.from_pretrained(tmp_path, eos_token="</s>")
    with pytest.raises(ValueError, match="not that of a BERT-like encoder"):
        Pieces(plain)


def test_a_newline_that_the_tokenizer_knows_is_kept(small_encoder: Path) -> None:
    _, pieces = new_tagger(small_encoder)
    assert pieces.of(["\n"]) == [(pieces.end,)]
    pieces.tokenizer.add_tokens(["\n"])
    again = Pieces(pieces.tokenizer)
    assert again.of(["\n"]) == [(again.tokenizer.get_vocab()["\n"],)]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_tokenizers_of_every_kind_cut_the_same_after_saving(
    architecture: str, tmp_path: Path, texts: list[str]
) -> None:
    """A byte-level tokenizer marks the start of a word by a space: a word must be cut as one in running text."""
    _, pieces = new_tagger(ARCHITECTURES[architecture](tmp_path / "encoder", texts))
    running = pieces.tokenizer(" " + " ".join(SENTENCE[:3]), add_special_tokens=False)["input_ids"]
    assert [piece for ids in pieces.of(SENTENCE[:3]) for piece in ids] == running
    pieces.tokenizer.save_pretrained(tmp_path / "again")
    again = Pieces(type(pieces.tokenizer).from_pretrained(tmp_path / "again"))
    assert again.of(SENTENCE) == pieces.of(SENTENCE)


@given(sizes=st.lists(st.integers(1, 60), max_size=40), most=st.integers(1, 200))
def test_groups_hold_everything_in_order_and_not_too_much(sizes: list[int], most: int) -> None:
    groups = list(side_by_side(sorted(sizes), lambda size: size, most))
    assert [size for group in groups for size in group] == sorted(sizes)
    assert all(len(group) == 1 or max(group) * len(group) <= most for group in groups)
