"""Pushes articles to a real Label Studio, answers them as a reviewer would, pulls, and counts every region.

``python -m benchmarks.review_round_trip ../shared/corpus/ant-1.jsonl.xz --articles 500``
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from extractor import rules
from extractor.annotation import Annotation
from extractor.document import Document
from extractor.quotation import Quotation
from models.tables import READINGS, Origin, Purpose, Verdict
from review.corrections import read_correction
from review.interface import our_interface, set_up
from review.label_studio import Server
from review.local_server import PROGRAM, prepare, running
from review.push import BATCH
from review.tasks import Result, sent, task
from tests.conftest import REVIEWER
from tests.reviewing import Loop, Reviewer, awkward_annotation, prediction, regions, without

Change = Callable[[Result], Result]
"""What a reviewer does to a prediction."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--articles", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    prepared = PROGRAM.parents[1] / "prepared"
    prepare(prepared, REVIEWER)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        shutil.copytree(prepared, folder / "server")
        with running(folder / "server") as url:
            round_trip(folder, url, list(read_articles(options.corpus, options.articles)), random.Random(options.seed))


def read_articles(corpus: Path, number: int) -> Iterator[Annotation]:
    """Real articles, as the rules read them; every tenth has emoji, diacritics and Windows line ends."""
    with lzma.open(corpus, "rt", encoding="utf-8", newline="\n") as lines:
        for position, line in zip(range(number), lines, strict=False):
            if position % 10 == 0:
                yield awkward_annotation(position)
                continue
            record = json.loads(line)
            raw = record["text"]
            document = Document(str(record["id"]), raw, title=record.get("title"))
            found = sorted(rules.quotations(raw), key=lambda quotation: quotation.content)
            yield Annotation(document, "starter", tuple(found))


def round_trip(folder: Path, url: str, articles: list[Annotation], chance: random.Random) -> None:
    server = Server(url, REVIEWER.token, timeout=300)
    before = import_alone(server, articles)
    loop = Loop(folder / "extractor.db", server, articles)
    set_up(server, loop.outbox, Purpose.REVIEW)
    with timed() as push_time:
        pushed = loop.push()
    # The server gets slower with the tasks that it holds: the import alone is measured on both sides of the push.
    after = import_alone(server, articles)
    times = push_time() / ((before + after) / 2)
    say(f"import alone {before:.2f} s before, {after:.2f} s after, push {push_time():.2f} s ({times:.2f} times)")
    say(f"pushed {pushed.imported} articles, {pushed.imported / push_time():.0f}/s")

    reviewer = Reviewer(url, REVIEWER.token, loop.project.label_studio_id)
    tasks = reviewer.tasks()
    answers = [(article, tasks[article.document.sha256], chance.choice(ANSWERS)) for article in articles]
    with timed() as answer_time, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda item: answer(reviewer, *item), answers))
    say(f"answered {len(answers)}, {len(answers) / answer_time():.0f}/s")

    with timed() as pull_time:
        pulled = loop.pull()
    say(f"pulled {sum(pulled.verdicts.values())} reviews, {sum(pulled.verdicts.values()) / pull_time():.0f}/s")
    with timed() as again_time:
        again = loop.pull()
    say(f"pulled again: {sum(again.verdicts.values())} new, {again_time():.1f} s")
    check(loop, answers, pulled.verdicts)


def import_alone(server: Server, articles: list[Annotation]) -> float:
    """Seconds that the server needs for the tasks, in the same batches, without anything of ours around it."""
    project = server.create_project("Import alone", our_interface(), Purpose.REVIEW, "")
    tasks = [task(article) for article in articles]
    with timed() as taken:
        for first in range(0, len(tasks), BATCH):
            server.import_tasks(project.id, tasks[first : first + BATCH])
    return taken()


def accept(result: Result) -> Result:
    return result


def change(result: Result) -> Result:
    """Moves the start of the first content by one word, where it has several."""
    for region in regions(result, "Content"):
        words = region["value"]["text"]
        if (space := words.find(" ")) > 0 and words[space + 1 :].strip():
            for item in result:
                if item.get("id") == region["id"]:
                    item["value"]["start"] += len(words) - len(words[space:].lstrip())
                    item["origin"] = "prediction-changed"
            break
    return result


def add(result: Result) -> Result:
    value = {"start": 0, "end": 3, "labels": ["Content"]}
    return [*result, {"id": "drawn", "from_name": "span", "to_name": "text", "type": "labels", "value": value}]


def delete(result: Result) -> Result:
    first = next(regions(result, "Content"), None)
    return without(result, first["id"]) if first else result


def empty(result: Result) -> Result:
    return []


def skip(result: Result) -> Result:
    return result


ANSWERS: tuple[Change, ...] = (accept, change, add, delete, empty, skip)


def answer(reviewer: Reviewer, article: Annotation, shown: dict[str, Any], do: Change) -> None:
    reviewer.answer(shown, do(prediction(shown)), was_cancelled=do is skip)


def check(loop: Loop, answers: list[tuple[Annotation, dict[str, Any], Change]], verdicts: Counter[Verdict]) -> None:
    readings = {reading.annotation.document.sha256: reading.annotation for reading in loop.reviews.readings()}
    wrong, spans, came = 0, 0, Counter[Verdict]()
    expected_regions = Counter[Origin]()
    for article, _, do in answers:
        reading = readings.get(article.document.sha256)
        verdict, quotations = expected(article, do)
        came[verdict] += 1
        is_reading = verdict in READINGS
        wrong += (reading is not None) != is_reading or bool(reading and reading.quotations != quotations)
        spans += sum(len(q.content) + bool(q.cue) + bool(q.source) for q in (reading.quotations if reading else ()))
        if do is not skip:
            expected_regions += expected_origins(article, do)
    origins = Counter[Origin]()
    for (_, origin), number in loop.reviews.origins()["starter"].items():
        origins[origin] += number
    say(f"verdicts, as came and as expected:\n  {dict(verdicts)}\n  {dict(came)}")
    say(f"regions, as came and as expected:\n  {dict(origins)}\n  {dict(expected_regions)}")
    say(f"{len(readings)} readings with {spans} spans, {wrong} of them wrong")
    if wrong or came != verdicts or origins != expected_regions:
        raise SystemExit(1)


def expected(article: Annotation, do: Change) -> tuple[Verdict, tuple[Quotation, ...]]:
    """What is accepted is what was sent; of the rest, that the server and the database change nothing on the way."""
    result = json.loads(json.dumps(task(article)["predictions"][0]["result"]))
    if do is skip:
        return Verdict.SKIPPED, ()
    if do is accept and article.quotations:
        return Verdict.ACCEPTED, tuple(replace(quotation, confidence=1.0) for quotation in article.quotations)
    correction = read_correction(do(result), article.document.raw, sent(article))
    return correction.verdict, correction.quotations


def expected_origins(article: Annotation, do: Change) -> Counter[Origin]:
    """Counted on the JSON, without the code under test."""
    before = {item["id"]: item for item in task(article)["predictions"][0]["result"] if item.get("type") == "labels"}
    result = do(json.loads(json.dumps(task(article)["predictions"][0]["result"])))
    after = {item["id"]: item for item in result if item.get("type") == "labels"}
    joined = {item["to_id"] for item in result if item.get("type") == "relation"}
    parts = {item["to_id"] for item in task(article)["predictions"][0]["result"] if item.get("type") == "relation"}
    counts = Counter[Origin]()
    for key, item in before.items():
        content = item["value"]["labels"] == ["Content"]
        if key not in after or not (content or key in joined):
            counts[Origin.DELETED] += 1
        elif after[key]["value"]["start"] != item["value"]["start"] or (key in parts and key not in joined):
            counts[Origin.CHANGED] += 1
        else:
            counts[Origin.UNTOUCHED] += 1
    counts[Origin.ADDED] = len(after.keys() - before.keys())
    return +counts


@contextmanager
def timed() -> Iterator[Callable[[], float]]:
    """Seconds in the block, asked for after it."""
    began = time.monotonic()
    ended: list[float] = []
    yield lambda: (ended[0] if ended else time.monotonic()) - began
    ended.append(time.monotonic())


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
