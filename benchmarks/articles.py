"""Articles for the experiments, as many as wanted: the examples over and over, each copy with a line of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "seeds" / "examples.jsonl"


def articles(number: int) -> Iterator[dict[str, str]]:
    """``id`` and ``text`` of so many articles, no two alike."""
    texts = [json.loads(line)["text"] for line in EXAMPLES.read_text("utf-8").split("\n") if line]
    made = ({"id": f"article-{i}", "text": f"{texts[i % len(texts)]}\nطبعة رقم {i}"} for i in count())
    return islice(made, number)


def write(path: Path, number: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        for article in articles(number):
            file.write(json.dumps(article, ensure_ascii=False) + "\n")
