"""Small encoders of several architectures, made here: no test reaches a model hub."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from tokenizers import BertWordPieceTokenizer, ByteLevelBPETokenizer
from transformers import (
    AlbertConfig,
    AlbertModel,
    BertConfig,
    BertModel,
    BertTokenizer,
    DistilBertConfig,
    DistilBertModel,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    RobertaConfig,
    RobertaModel,
    RobertaTokenizer,
)

WIDTH, LAYERS, HEADS, INNER = 32, 2, 2, 64
POSITIONS = 130  # windows of 128 pieces: an article of 150 words already has a seam
_VOCABULARY = 1200


def bert(folder: Path, texts: Iterable[str], positions: int = POSITIONS) -> Path:
    """WordPiece, lower case."""
    return _saved(folder, _bert_model(_word_pieces(texts, lower=True), positions))


def cased_bert(folder: Path, texts: Iterable[str]) -> Path:
    """WordPiece, accents kept."""
    return _saved(folder, _bert_model(_word_pieces(texts, lower=False), POSITIONS))


def roberta(folder: Path, texts: Iterable[str]) -> Path:
    """Byte-level pieces; positions are counted from the padding's id + 1."""
    trainer = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer.train_from_iterator(texts, vocab_size=_VOCABULARY, special_tokens=special, show_progress=False)
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary, merges = trainer.save_model(str(folder))
    tokenizer = RobertaTokenizer.from_pretrained(folder)
    Path(vocabulary).unlink()
    Path(merges).unlink()
    torch.manual_seed(0)
    config = RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=INNER,
        max_position_embeddings=POSITIONS + 2,
        type_vocab_size=1,
    )
    return _saved(folder, (tokenizer, RobertaModel(config)))


def distilbert(folder: Path, texts: Iterable[str]) -> Path:
    tokenizer = _word_pieces(texts, lower=True)
    torch.manual_seed(0)
    config = DistilBertConfig(
        vocab_size=len(tokenizer),
        dim=WIDTH,
        n_layers=LAYERS,
        n_heads=HEADS,
        hidden_dim=INNER,
        max_position_embeddings=POSITIONS,
    )
    return _saved(folder, (tokenizer, DistilBertModel(config)))


def albert(folder: Path, texts: Iterable[str]) -> Path:
    """Its layers share one set of weights, and its pieces are narrower than its words."""
    tokenizer = _word_pieces(texts, lower=True)
    torch.manual_seed(0)
    config = AlbertConfig(
        vocab_size=len(tokenizer),
        embedding_size=WIDTH // 2,
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=INNER,
        max_position_embeddings=POSITIONS,
    )
    return _saved(folder, (tokenizer, AlbertModel(config)))


ARCHITECTURES: dict[str, Callable[[Path, Iterable[str]], Path]] = {
    "bert": bert,
    "cased_bert": cased_bert,
    "roberta": roberta,
    "distilbert": distilbert,
    "albert": albert,
}


def _word_pieces(texts: Iterable[str], *, lower: bool) -> PreTrainedTokenizerBase:
    """Every letter, and the most frequent words whole. A trained vocabulary would be another one at each training."""
    blank = BertWordPieceTokenizer(lowercase=lower)
    words = Counter(
        word for text in texts for word, _ in blank.pre_tokenizer.pre_tokenize_str(blank.normalizer.normalize_str(text))
    )
    letters = sorted({letter for word in words for letter in word})
    frequent = sorted((word for word in words if len(word) > 1), key=lambda word: (-words[word], word))
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters), *frequent]
    vocabulary = {piece: i for i, piece in enumerate(pieces[:_VOCABULARY])}
    return BertTokenizer(vocab=vocabulary, do_lower_case=lower)


def _bert_model(tokenizer: PreTrainedTokenizerBase, positions: int) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=INNER,
        max_position_embeddings=positions,
    )
    return tokenizer, BertModel(config)


def _saved(folder: Path, made: tuple[PreTrainedTokenizerBase, PreTrainedModel]) -> Path:
    tokenizer, model = made
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    return folder
