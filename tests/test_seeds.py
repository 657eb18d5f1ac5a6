"""What the shipped checkpoint says of the five seed articles, against an approved copy whose diff is read in review.

Approve a change with APPROVE=1 python -m pytest tests/test_seeds.py
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from extractor import Document, Extractor, Quotation, Speaker
from extractor.checkpoint_folder import WEIGHTS, starter_checkpoint
from extractor.evaluation import evaluate
from extractor.gold import read_gold

SEEDS = Path(__file__).parents[1] / "seeds"
APPROVED = Path(__file__).parent / "approved"
NAMES = sorted(path.stem for path in (SEEDS / "articles").glob("*.txt"))


@pytest.fixture(scope="module")
def extractor() -> Extractor:
    # float32, so that machines with and without bfloat16 approve the same.
    return Extractor.load(precision="float32")


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_articles_read_as_approved(name: str, extractor: Extractor) -> None:
    raw = (SEEDS / "articles" / f"{name}.txt").read_bytes().decode()
    said = "".join(_lines(raw, extractor.quotations(raw)))
    approved = APPROVED / f"{name}.txt"
    if os.environ.get("APPROVE"):
        approved.parent.mkdir(exist_ok=True)
        approved.write_text(said, "utf-8")
    assert said == approved.read_text("utf-8")


def test_the_checkpoint_finds_what_its_card_says(extractor: Extractor) -> None:
    gold = list(read_gold(SEEDS / "gold.jsonl"))
    documents = [Document(id=article.document.id, raw=article.document.raw) for article in gold]
    found = {annotation.document.id: annotation.quotations for annotation in extractor.annotate(documents)}
    scores = evaluate(gold, found)
    assert scores.found.f1 > 0.84
    assert scores.who.f1 > 0.76


def test_the_checkpoint_is_small_enough_to_ship() -> None:
    assert (starter_checkpoint() / WEIGHTS).stat().st_size < 60_000_000


def _lines(raw: str, quotations: Iterable[Quotation]) -> Iterable[str]:
    for quotation in quotations:
        cue = quotation.cue.of(raw) if quotation.cue else "-"
        source = quotation.source.of(raw) if quotation.source else "-"
        speaker = (
            f"{_name(quotation.speaker)} via {_name(quotation.via)}" if quotation.via else _name(quotation.speaker)
        )
        yield f"{quotation.type} | {cue} | {source} | {speaker} | again: {len(quotation.repeats)}\n"
        for span in quotation.content:
            yield f"    {span.start}-{span.end} {span.of(raw)!r}\n"


def _name(speaker: Speaker | None) -> str:
    return f"{speaker.name} ({speaker.kind})" if speaker else "-"
