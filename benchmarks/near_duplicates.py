"""How well wire copies are told: real articles, invented copies of some, and what is taken for a copy besides.

`python -m benchmarks.near_duplicates SHOWN ../shared/corpus/ant-*.jsonl.xz`; SHOWN of the latter are printed.
"""

from __future__ import annotations

import json
import lzma
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter

import typer

from review.near_duplicates import Shingles, containment, groups

_SENTENCE = re.compile(r"(?<=[.!؟])\s+")

Change = Callable[[str, random.Random, Sequence[str]], str]


def headline(text: str, rng: random.Random, others: Sequence[str]) -> str:
    """Another article's headline."""
    return rng.choice(others).split("\n")[0] + "\n" + text.partition("\n")[2]


def tail(text: str, rng: random.Random, _: Sequence[str]) -> str:
    """Between a third and two thirds of its words are gone."""
    words = text.split(" ")
    return " ".join(words[: max(1, round(len(words) * rng.uniform(1 / 3, 2 / 3)))])


def signature(text: str, rng: random.Random, _: Sequence[str]) -> str:
    """Another outlet's dateline, and its words about itself below."""
    outlet = rng.choice(["وكالة الشمال", "موقع المدينة نت", "صحيفة الميناء"])
    return (
        f"{outlet} - {text}\nجميع الحقوق محفوظة لدى {outlet}. تابعوا آخر الأخبار على صفحات {outlet} في مواقع التواصل."
    )


def edited(text: str, rng: random.Random, others: Sequence[str]) -> str:
    """One word in ten is another."""
    spare = rng.choice(others).split()
    return " ".join(rng.choice(spare) if rng.random() < 0.1 else word for word in text.split(" "))


def shuffled(text: str, rng: random.Random, _: Sequence[str]) -> str:
    """Its sentences in another order, a quarter of them gone."""
    sentences = _SENTENCE.split(text)
    rng.shuffle(sentences)
    return " ".join(sentences[: max(1, round(len(sentences) * 0.75))])


def everything(text: str, rng: random.Random, others: Sequence[str]) -> str:
    """Headline, tail and signature at once."""
    return signature(tail(headline(text, rng, others), rng, others), rng, others)


CHANGES: tuple[Change, ...] = (headline, tail, signature, edited, shuffled, everything)


def articles(paths: Sequence[str]) -> Iterator[str]:
    for path in map(Path, paths):
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            yield from (json.loads(line)["text"] for line in lines)


def main() -> None:
    rng = random.Random(1)
    originals = list(articles(sys.argv[2:]))
    chosen = rng.sample(range(len(originals)), min(1200, len(originals)))
    changes = [CHANGES[i % len(CHANGES)] for i in range(len(chosen))]
    copies = [change(originals[at], rng, originals) for at, change in zip(chosen, changes, strict=True)]
    began = perf_counter()
    found = groups(originals + copies)
    typer.echo(f"{len(found)} articles in {perf_counter() - began:.0f} s")
    of_copies = found[len(originals) :]
    hits = Counter(
        change.__name__ for at, change, group in zip(chosen, changes, of_copies, strict=True) if found[at] == group
    )
    for change in CHANGES:
        typer.echo(f"recall, {change.__name__}: {hits[change.__name__]} of {changes.count(change)}")
    among = groups(originals)
    joined = [(at, group) for at, group in enumerate(among) if at != group]
    typer.echo(f"taken for a copy among the {len(originals)} originals: {len(joined)}")
    shingles = Shingles()
    for at, group in rng.sample(joined, min(int(sys.argv[1]), len(joined))):
        share = containment(shingles.of(originals[at]), shingles.of(originals[group]))
        typer.echo(f"--- {share:.2f}\n  {originals[at][:160]!r}\n  {originals[group][:160]!r}")


if __name__ == "__main__":
    main()
