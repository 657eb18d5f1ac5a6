"""Self-training: what teachers are sure of comes back from the file whole, and what they doubt teaches nothing."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from extractor.augmentation import Example, vary
from extractor.checkpoint import Checkpoint, load_checkpoint
from extractor.document import Document
from extractor.losses import losses, passages
from extractor.passages import lines, split_words
from extractor.silver import SURE, SilverArticle, label, read_silver, write_silver
from extractor.text import fold
from tests.stories import articles

LONG = Document("long", "كلمة " * 400)
EMPTY = Document("empty", " \n ")


@pytest.fixture(scope="module")
def teacher(trained_checkpoint: Path) -> Checkpoint:
    return load_checkpoint(trained_checkpoint)


@pytest.fixture(scope="module")
def doubter(small_checkpoint: Path) -> Checkpoint:
    return load_checkpoint(small_checkpoint)


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    return [article.document for article in articles(12)]


def test_labels_are_what_the_teacher_knows_by_heart(teacher: Checkpoint) -> None:
    gold = {article.document: article for article in articles(12)}
    labelled = list(label(gold, [teacher], half=False))
    assert len(labelled) > 6
    right = wanted = 0
    for article in labelled:
        known = gold[article.document]
        words = split_words(known.document.raw, lines(known.document.raw))
        contents = {tuple(words.span(*part) for part in frame.content) for frame in article.frames}
        right += sum(quotation.content in contents for quotation in known.quotations)
        wanted += len(known.quotations)
    assert right > 0.8 * wanted


def test_articles_that_no_window_holds_and_empty_ones_are_left_out(
    teacher: Checkpoint, documents: list[Document]
) -> None:
    labelled = list(label([LONG, documents[0], EMPTY, documents[1]], [teacher], half=False))
    assert [article.document for article in labelled] == documents[:2]


def test_the_file_keeps_everything(doubter: Checkpoint, documents: list[Document], tmp_path: Path) -> None:
    labelled = list(label(documents, [doubter], half=False))
    assert any(article.unsure for article in labelled)
    assert any(frame.name for article in labelled for frame in article.frames)
    assert write_silver(labelled, tmp_path / "silver.jsonl") == len(labelled)
    assert list(read_silver(tmp_path / "silver.jsonl")) == labelled


def test_a_record_that_does_not_fit_is_named(tmp_path: Path) -> None:
    (tmp_path / "silver.jsonl").write_text('{"id": "a", "text": "كلمة", "frames": [], "unsure": []}\n{"id": 1}\n')
    with pytest.raises(ValueError, match="line 2"):
        list(read_silver(tmp_path / "silver.jsonl"))


def test_what_is_unsure_is_no_frame_and_stays_unsure_of_the_same_words(
    doubter: Checkpoint, documents: list[Document]
) -> None:
    for article in label(documents, [doubter], half=False):
        assert not {frame.anchor for frame in article.frames} & set(article.unsure)
        example = article.example()
        varied = vary(example, [example], random.Random(3))
        told, moved = ([e.texts[i] for i in sorted(e.unsure)] for e in (example, varied))
        # Only spelling and the style of marks may differ.
        assert [fold(word) for word in moved if word.isalnum()] == [fold(word) for word in told if word.isalnum()]
        assert len(moved) == len(told)


def test_labels_behind_the_last_word_are_refused() -> None:
    with pytest.raises(ValueError, match="last word"):
        SilverArticle(Document("short", "كلمة"), (), (7,)).example()


@given(unsure=st.sets(st.integers(0, 30), max_size=6))
@settings(max_examples=10, deadline=None)
def test_an_unsure_word_teaches_the_cue_head_nothing(unsure: set[int], doubter: Checkpoint) -> None:
    """Without them the loss is smaller by what each of them alone costs."""
    texts = tuple("قال وزير الطاقة إن الإنتاج سيرتفع هذا العام .".split(" ") * 4)
    everywhere = frozenset(range(len(texts)))
    tagger = doubter.tagger.eval()

    def loss(unsure: frozenset[int]) -> float:
        with torch.no_grad():
            given = passages(Example(texts, (), unsure), doubter.pieces, 128)
            return float(losses(tagger, given, doubter.pieces)[0])

    alone = sum(loss(everywhere - {i}) for i in unsure)
    assert loss(frozenset(unsure)) == pytest.approx(loss(frozenset()) - alone, rel=1e-3, abs=1e-3)


def test_teachers_are_sure_of_fewer_words_than_they_suspect(doubter: Checkpoint, documents: list[Document]) -> None:
    labelled = list(label(documents, [doubter], half=False))
    assert SURE > 0.5
    assert all(frame.content for article in labelled for frame in article.frames)
