"""A program that saves annotations, to be run twice at once or killed: ``python -m tests.saving DB up``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from extractor.annotation import Annotation
from extractor.document import Document
from extractor.quotation import Quotation, QuotationType, Span, Speaker, SpeakerKind
from models.engine import open_database
from models.store import Run, RunCounts, Store

ARTICLES = 300
MINISTER = Speaker("أنتوني بلينكن", SpeakerKind.PERSON, ("الوزير", "بلينكن"))
AGENCY = Speaker("الوكالة", SpeakerKind.ORGANIZATION, ("الوكالة",))


def annotation(number: int, confidence: float = 0.5) -> Annotation:
    """Three quotations: two with the same speaker, one of them by way of an agency, one in two places."""
    raw = f"{number}: قال الوزير إن العمل مستمر. وأضاف أن الدعم باق. «نعم»، ثم «نعم»."

    def span(words: str, after: str = "") -> Span:
        start = raw.index(words, raw.index(after) + len(after))
        return Span(start, start + len(words))

    quotations = (
        Quotation(
            QuotationType.INDIRECT,
            (span("العمل مستمر"),),
            cue=span("قال"),
            source=span("الوزير"),
            speaker=MINISTER,
            confidence=confidence,
        ),
        Quotation(
            QuotationType.MIXED,
            (span("الدعم"), span("باق")),
            cue=span("وأضاف"),
            speaker=MINISTER,
            via=AGENCY,
            confidence=0.75,
        ),
        Quotation(QuotationType.DIRECT, (span("نعم"),), repeats=((span("نعم", after="ثم"),),)),
    )
    document = Document(f"d{number}", raw, path=f"news/{number}.txt", title=f"خبر {number}")
    return Annotation(document, "starter", quotations)


def start(store: Store) -> Run:
    checkpoint = store.register_checkpoint("starter", "f" * 64, "seeds/checkpoint")
    return store.begin_run(checkpoint, {"inputs": ["news"]})


def save_missing(store: Store, run: Run, annotations: Iterable[Annotation]) -> Iterator[int]:
    """As a pipeline does: a few at a time, passing over those that are there."""
    some: list[Annotation] = []
    for item in annotations:
        if not store.annotated([item.document.sha256], run.checkpoint):
            some.append(item)
        if len(some) == 10:
            yield store.save(run, some)
            some = []
    yield store.save(run, some)


def main(database: str, order: str) -> None:
    sys.stdout.write("open\n")
    sys.stdout.flush()
    store = Store(open_database(database))
    run = start(store)
    numbers = range(ARTICLES) if order == "up" else range(ARTICLES - 1, -1, -1)
    saved = sum(save_missing(store, run, map(annotation, numbers)))
    store.finish_run(run, RunCounts(annotated=saved))


if __name__ == "__main__":
    main(*sys.argv[1:])
