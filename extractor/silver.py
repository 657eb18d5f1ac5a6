"""Self-training: taggers label raw articles, and what they are sure of teaches the next one (Scudder 1965; for an
ensemble, distillation as in Hinton et al. 2015).

Where the teachers are of two minds about a word, it is left out of the lesson instead of taught as a guess.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from extractor.augmentation import Example
from extractor.checkpoint import Checkpoint
from extractor.document import Document
from extractor.labels import Frame, Range
from extractor.passages import Words, lines, split_words
from extractor.pieces import batch, side_by_side
from extractor.quotation import SpeakerKind
from extractor.reading import Reading, read

SURE = 0.6  # a cue at least so probable is one
DOUBTFUL = 0.1  # one less probable is none; in between nothing is taught
_AT_ONCE = 256
_BATCH_WORDS = 2400


@dataclass(frozen=True, slots=True)
class SilverArticle:
    """A raw article as its teachers read it; ``unsure`` are the words that may or may not be cues."""

    document: Document
    frames: tuple[Frame, ...]
    unsure: tuple[int, ...]

    def example(self) -> Example:
        """Raises ValueError where the text's words are other ones than the teachers read."""
        texts = tuple(_words(self.document).texts)
        if any(position >= len(texts) for position in self.unsure):
            raise ValueError(f"{self.document.id}: labels point behind the text's last word")
        return Example(texts, self.frames, frozenset(self.unsure))


def label(
    documents: Iterable[Document], teachers: Sequence[Checkpoint], *, half: bool = True
) -> Iterator[SilverArticle]:
    """Labels articles that fit one window of every teacher, in their order; longer ones are left out."""
    waiting = iter(documents)
    taggers = [teacher.tagger.eval() for teacher in teachers]
    while group := list(islice(waiting, _AT_ONCE)):
        words = [_words(document) for document in group]
        lengths = [len(texts) for texts in words]
        fitting = [i for i in range(len(group)) if lengths[i] and _fits(words[i], teachers)]
        labelled: dict[int, SilverArticle] = {}
        for part in side_by_side(sorted(fitting, key=lengths.__getitem__), lengths.__getitem__, _BATCH_WORDS):
            texts = [words[i].texts for i in part]
            batches = [batch(texts, teacher.pieces) for teacher in teachers]
            readings = read(taggers, batches, DOUBTFUL, half=half)
            labelled |= {i: _article(group[i], reading) for i, reading in zip(part, readings, strict=True)}
        yield from (labelled[i] for i in fitting)


def write_silver(articles: Iterable[SilverArticle], path: Path) -> int:
    """JSON Lines, one article a line; how many were written. The file is there when it is whole."""
    written = 0
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8") as file:
        for article in articles:
            record = {
                "id": article.document.id,
                "text": article.document.raw,
                "frames": [asdict(frame) for frame in article.frames],
                "unsure": article.unsure,
            }
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
            written += 1
    part.replace(path)
    return written


def read_silver(path: Path) -> Iterator[SilverArticle]:
    """Raises ValueError with the line's number where a record does not fit."""
    # Not splitlines(): it cuts at U+2028 and U+0085, which real articles contain.
    for number, line in enumerate(path.read_text("utf-8").split("\n"), 1):
        if line:
            try:
                record = json.loads(line)
                frames = tuple(_frame(frame) for frame in record["frames"])
                yield SilverArticle(Document(record["id"], record["text"]), frames, tuple(record["unsure"]))
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{path}, line {number}: not a labelled article: {error!r}") from error


def _article(document: Document, reading: Reading) -> SilverArticle:
    sure = {frame.anchor: frame for frame in reading.frames if reading.cues[frame.anchor] >= SURE}
    unsure = (i for i, cue in enumerate(reading.cues) if cue >= DOUBTFUL and i not in sure)
    return SilverArticle(document, tuple(sure.values()), tuple(unsure))


def _words(document: Document) -> Words:
    return split_words(document.raw, lines(document.raw))


def _fits(words: Words, teachers: Sequence[Checkpoint]) -> bool:
    return all(sum(map(len, teacher.pieces.of(words.texts))) <= teacher.tagger.window_pieces for teacher in teachers)


def _frame(record: dict[str, Any]) -> Frame:
    def words(pair: list[int] | None) -> Range | None:
        return (pair[0], pair[1]) if pair else None

    return Frame(
        anchor=record["anchor"],
        content=tuple((first, end) for first, end in record["content"]),
        source=words(record["source"]),
        antecedent=words(record["antecedent"]),
        via=words(record["via"]),
        has_cue=record["has_cue"],
        kind=SpeakerKind(record["kind"]) if record["kind"] else None,
        name=tuple(record["name"]),
        confidence=record["confidence"],
    )
