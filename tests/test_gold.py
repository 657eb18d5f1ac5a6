"""Annotated articles, as training and evaluation read them."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from extractor.annotation import Annotation, annotation_as_dict
from extractor.gold import GoldArticle, read_gold
from extractor.quotation import QuotationType, Span, Speaker, SpeakerKind

SEEDS = Path(__file__).parents[1] / "seeds"


TEXT = "قال الوزير:\u2028«نعم»، ونقلت الوكالة عنه «لا»\x85قال الوزير:\u2028«نعم»"


def place(wording: str, after: int = 0) -> list[int]:
    start = TEXT.index(wording, after)
    return [start, start + len(wording)]


def record() -> dict[str, Any]:
    return {
        "id": "a1",
        "source": "صحيفة",
        "title": "خبر",
        "text": TEXT,
        "terms": "CC0",
        "speakers": [
            {"id": "s1", "name": "سامر", "kind": "person", "mentions": ["الوزير"]},
            {"id": "s2", "name": "الوكالة", "kind": "organization"},
        ],
        "statements": [
            {
                "type": "direct",
                "content": [place("نعم")],
                "cue": place("قال"),
                "mention": place("الوزير"),
                "speaker": "s1",
            },
            {
                "type": "mixed",
                "content": [place("لا")],
                "cue": place("ونقلت"),
                "mention": None,
                "speaker": "s1",
                "via": "s2",
            },
            {
                "type": "direct",
                "content": [place("نعم", after=40)],
                "cue": None,
                "mention": None,
                "speaker": "s1",
                "repeat": True,
            },
        ],
    }


def written(folder: Path, *lines: str) -> Path:
    path = folder / "gold.jsonl"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def test_an_article_with_everything(tmp_path: Path) -> None:
    (article,) = read_gold(written(tmp_path, json.dumps(record(), ensure_ascii=False), ""))
    raw = article.document.raw
    assert (article.document.id, article.document.title, article.outlet, article.terms) == (
        "a1",
        "خبر",
        "صحيفة",
        "CC0",
    )
    assert [span.of(raw) for quotation in article.quotations for span in quotation.content] == ["نعم", "لا", "نعم"]
    first, second, third = article.quotations
    assert first.type is QuotationType.DIRECT
    assert first.cue == Span(0, 3)
    assert first.source is not None
    assert first.source.of(raw) == "الوزير"
    assert first.speaker == second.speaker == Speaker("سامر", SpeakerKind.PERSON, ("الوزير",))
    assert second.via == Speaker("الوكالة", SpeakerKind.ORGANIZATION)
    assert second.source is None
    assert third.cue is None
    assert article.repeated == {2}


def test_what_is_optional_may_be_missing(tmp_path: Path) -> None:
    bare = {key: record()[key] for key in ("id", "text", "speakers", "statements")}
    (article,) = read_gold(written(tmp_path, json.dumps(bare)))
    assert isinstance(article, GoldArticle)
    assert (article.outlet, article.terms, article.document.title) == ("", "", None)


def test_what_the_program_exports_is_gold_as_well(tmp_path: Path) -> None:
    (article,) = read_gold(written(tmp_path, json.dumps(record())))
    annotation = Annotation(article.document, "reviewed", article.quotations)
    exported = annotation_as_dict(annotation, with_text=True)
    (again,) = read_gold(written(tmp_path, json.dumps(exported)))
    assert (again.document, again.quotations) == (article.document, article.quotations)
    del exported["text"]
    with pytest.raises(ValueError, match="--with-text"):
        list(read_gold(written(tmp_path, json.dumps(exported))))


def test_an_exported_place_past_the_end_is_told(tmp_path: Path) -> None:
    (article,) = read_gold(written(tmp_path, json.dumps(record())))
    exported = annotation_as_dict(Annotation(article.document, "reviewed", article.quotations), with_text=True)
    exported["text"] = TEXT[:20]
    with pytest.raises(ValueError, match="the text at 20"):
        list(read_gold(written(tmp_path, json.dumps(exported))))


def changed(change: Callable[[dict[str, Any]], object]) -> str:
    broken = record()
    change(broken)
    return json.dumps(broken)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("{", id="no JSON"),
        pytest.param("[]", id="no object"),
        pytest.param("7", id="a number"),
        pytest.param(changed(lambda r: r.pop("text")), id="no text"),
        pytest.param(changed(lambda r: r.update(text=7)), id="text of another type"),
        pytest.param(changed(lambda r: r["statements"][0].update(type="quoted")), id="unknown type"),
        pytest.param(changed(lambda r: r["statements"][0].update(speaker="s9")), id="unknown speaker"),
        pytest.param(changed(lambda r: r["statements"][0].update(content=[])), id="no content"),
        pytest.param(changed(lambda r: r["statements"][0].update(content=[[5, 5]])), id="empty content"),
        pytest.param(changed(lambda r: r["statements"][0].update(content=[[5, 999]])), id="content past the end"),
        pytest.param(changed(lambda r: r["statements"][0].update(cue=[990, 999])), id="cue past the end"),
        pytest.param(changed(lambda r: r["statements"][0].update(mention=[990, 999])), id="mention past the end"),
        pytest.param(changed(lambda r: r["statements"][0].update(content=[[5]])), id="half a span"),
        pytest.param(changed(lambda r: r["speakers"][0].update(kind="robot")), id="unknown kind"),
    ],
)
def test_what_does_not_fit_is_told_with_its_line(line: str, tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps(record()), "", line)
    with pytest.raises(ValueError, match="line 3") as error:
        list(read_gold(path))
    assert str(path) in str(error.value)


def test_articles_are_read_one_by_one(tmp_path: Path) -> None:
    articles = read_gold(written(tmp_path, json.dumps(record()), "{"))
    assert next(articles).document.id == "a1"
    with pytest.raises(ValueError, match="line 2"):
        next(articles)


@pytest.mark.parametrize("name", ["gold.jsonl", "examples.jsonl"])
def test_the_seeds_are_sound(name: str) -> None:
    articles = list(read_gold(SEEDS / name))
    assert len({article.document.id for article in articles}) == len(articles) > 5
    for article in articles:
        raw = article.document.raw
        for quotation in article.quotations:
            assert quotation.speaker is not None
            parts = [*quotation.content, *(span for span in (quotation.cue, quotation.source) if span)]
            assert all(span.of(raw) and span.of(raw) == span.of(raw).strip() for span in parts)
            assert all(a.end <= b.start for a, b in pairwise(quotation.content))


def test_gold_and_examples_share_no_article() -> None:
    """Nothing that measures may have taught."""
    gold, examples = ({a.document.sha256 for a in read_gold(SEEDS / f"{name}.jsonl")} for name in ("gold", "examples"))
    assert not gold & examples


def test_the_seed_articles_are_in_gold_as_they_are_read() -> None:
    texts = {path.read_text("utf-8") for path in (SEEDS / "articles").glob("*.txt")}
    gold = {article.document.raw for article in read_gold(SEEDS / "gold.jsonl")}
    assert len(texts) == 5
    assert {text.strip() for text in texts} <= {text.strip() for text in gold}
