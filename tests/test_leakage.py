"""Gold that training has seen is named with its reason, and nothing else is."""

from __future__ import annotations

import io
import random
from pathlib import Path

from rich.console import Console

from benchmarks.near_duplicates import everything, headline
from extractor.document import Document
from extractor.gold import read_gold
from review.leakage import Leak, Reason, leaks, table
from tests.test_near_duplicates import EXAMPLES, TEXTS

GOLD = Path(__file__).parents[1] / "seeds" / "gold.jsonl"


def test_the_shipped_gold_is_not_in_the_shipped_examples() -> None:
    gold = [article.document for article in read_gold(GOLD)]
    training = [article.document for article in read_gold(EXAMPLES)]
    assert leaks(gold, training) == []


def test_equal_and_nearly_equal_articles_are_told_apart() -> None:
    rng = random.Random(2)
    training = [Document(f"training-{i}", text) for i, text in enumerate(TEXTS)]
    gold = [
        Document("same", TEXTS[4]),
        Document("new", "هذا خبر لم يقرأه أحد من قبل ولا يشبه شيئا مما سبق من الأخبار."),
        Document("headline", headline(TEXTS[7], rng, ["عنوان آخر\n"])),
        Document("all", everything(TEXTS[9], rng, ["عنوان آخر\n"])),
        Document("empty", ""),
    ]
    found = leaks(gold, training)
    assert [(leak.gold.id, leak.training.id, leak.reason) for leak in found] == [
        ("same", "training-4", Reason.EQUAL),
        ("headline", "training-7", Reason.NEAR_DUPLICATE),
        ("all", "training-9", Reason.NEAR_DUPLICATE),
    ]
    assert 0.5 <= found[1].share < 1
    assert str(found[0]) == "same is training-4, letter for letter"
    assert "near-duplicate of training-7" in str(found[1])


def test_table() -> None:
    output = io.StringIO()
    found = [Leak(Document("a", "x"), Document("b", "y"), Reason.NEAR_DUPLICATE, 0.81)]
    Console(file=output, width=80).print(table(found))
    assert "near-duplicate" in output.getvalue()
    assert "81%" in output.getvalue()
