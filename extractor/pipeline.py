"""Documents in, quotations out: articles of a page, windows of an article, batches of windows, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import torch

from extractor.annotation import Annotation
from extractor.article import Paragraph, stories
from extractor.attribution import attribute
from extractor.checkpoint import Checkpoint, load_checkpoint
from extractor.document import Document
from extractor.labels import Frame
from extractor.passages import Window, Words, split_words, windows
from extractor.pieces import batch, side_by_side
from extractor.quotation import Quotation, Span
from extractor.reading import read

_DOCUMENTS_AT_ONCE = 64  # enough to batch windows of similar length; memory does not grow with the input
_BATCH_PIECES = 4096


@dataclass(slots=True)
class _Reading:
    """One story on its way through the tagger."""

    document: int
    paragraphs: tuple[Paragraph, ...]
    words: Words
    pieces: list[int]
    frames: list[Frame] = field(default_factory=list)
    cut: list[Frame] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Task:
    """A window of a reading, and the cues that are wanted of it."""

    reading: _Reading
    window: Window

    @property
    def size(self) -> int:
        return sum(self.reading.pieces[self.window.first : self.window.end])


class Extractor:
    """Reads Arabic news with one checkpoint.

    >>> extractor = Extractor.load()
    >>> quotations = extractor.quotations("قال الوزير إن الأسعار ستنخفض.")
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        device: str = "auto",
        precision: str = "auto",
        min_confidence: float = 0.0,
    ) -> None:
        """``precision``: bf16, float32 or auto (bf16 where the processor has it)."""
        self._device = torch.device(best_device() if device == "auto" else device)
        self._half = precision == "bf16" or (precision == "auto" and _has_bf16(self._device))
        self._tagger = checkpoint.tagger.to(self._device).eval()
        self._pieces = checkpoint.pieces
        self._threshold = checkpoint.threshold
        self._confidence = checkpoint.confidence
        self._min_confidence = min_confidence
        self.checkpoint = checkpoint.name

    @classmethod
    def load(
        cls,
        checkpoint: str | Path | None = None,
        *,
        device: str = "auto",
        precision: str = "auto",
        min_confidence: float = 0.0,
    ) -> Extractor:
        """From a folder or a hub name; without one, the starter checkpoint that ships with the program.

        Raises CheckpointError where it cannot be loaded.
        """
        return cls(
            load_checkpoint(checkpoint),
            device=device,
            precision=precision,
            min_confidence=min_confidence,
        )

    def quotations(self, text: str) -> list[Quotation]:
        """The quotations of one article, in the order of the text; offsets are code points into ``text``."""
        annotation = next(self.annotate([Document(id="text", raw=text)]))
        return list(annotation.quotations)

    def annotate(self, documents: Iterable[Document]) -> Iterator[Annotation]:
        """One annotation a document, in their order, a few documents ahead of what was asked for."""
        waiting = iter(documents)
        while group := list(islice(waiting, _DOCUMENTS_AT_ONCE)):
            found: list[list[Quotation]] = [[] for _ in group]
            readings = [reading for i, document in enumerate(group) for reading in self._readings(i, document.raw)]
            self._tag(readings)
            for reading in readings:
                found[reading.document] += self._attributed(group[reading.document].raw, reading)
            for document, quotations in zip(group, found, strict=True):
                ordered = sorted(quotations, key=lambda quotation: quotation.content)
                yield Annotation(document, self.checkpoint, tuple(ordered))

    def _readings(self, position: int, raw: str) -> Iterator[_Reading]:
        for story in stories(raw):
            words = split_words(raw, [paragraph.span for paragraph in story.paragraphs])
            if len(words):
                pieces = [len(ids) for ids in self._pieces.of(words.texts)]
                yield _Reading(position, story.paragraphs, words, pieces)

    def _tag(self, readings: Sequence[_Reading]) -> None:
        limit = self._tagger.window_pieces
        tasks = [_Task(r, window) for r in readings for window in windows(r.pieces, limit)]
        for task, frames in self._read(tasks):
            for frame in frames:
                place = task.reading.cut if _is_cut(frame, task) else task.reading.frames
                place.append(frame)
        # What reaches over the edge of its window is read once more, in a window laid around its cue.
        cut = [(reading, frame) for reading in readings for frame in reading.cut]
        again = [_Task(reading, _around(frame.anchor, reading.pieces, limit)) for reading, frame in cut]
        whole = {id(task): frames for task, frames in self._read(again)}
        for task, (reading, frame) in zip(again, cut, strict=True):
            reading.frames += whole[id(task)] or [frame]

    def _read(self, tasks: Sequence[_Task]) -> list[tuple[_Task, list[Frame]]]:
        """The frames of each task, in positions of its reading."""
        found = []
        # Windows of similar length go together: padding is work too.
        in_order = sorted(tasks, key=lambda task: task.size)
        for group in side_by_side(in_order, lambda task: task.size, _BATCH_PIECES):
            texts = [task.reading.words.texts[task.window.first : task.window.end] for task in group]
            inputs = batch(texts, self._pieces).to(self._device)
            readings = read([self._tagger], [inputs], self._threshold, half=self._half)
            for task, in_window in zip(group, readings, strict=True):
                placed = (frame.moved(task.window.first) for frame in in_window.frames)
                owned = [f for f in placed if task.window.owns_from <= f.anchor < task.window.owns_to]
                found.append((task, owned))
        return found

    def _attributed(self, raw: str, reading: _Reading) -> Iterator[Quotation]:
        for quotation in attribute(raw, reading.words, reading.frames):
            if self._confidence:
                quotation = replace(quotation, confidence=self._confidence.of(quotation))
            if quotation.confidence >= self._min_confidence:
                yield replace(quotation, repeats=_repeats(quotation, reading.paragraphs))


def best_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _has_bf16(device: torch.device) -> bool:
    return device.type == "cuda" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _is_cut(frame: Frame, task: _Task) -> bool:
    """Whether content or mention stands in a paragraph that the window cuts, less than a quarter window from there.

    Touching the edge is not the sign of it: a tagger that has only seen whole contents ends a cut one too soon.
    """
    window, words, pieces = task.window, task.reading.words, task.reading.pieces
    ranges = [*frame.content, *([frame.mention] if frame.mention else [])]
    first, end = min(first for first, _ in ranges), max(end for _, end in ranges)
    near = task.size // 4
    begins_before = window.first > words.paragraph(first)[0] and sum(pieces[window.first : first]) < near
    ends_after = window.end <= words.paragraph(end - 1)[1] and sum(pieces[end : window.end]) < near
    return begins_before or ends_after


def _around(anchor: int, pieces: Sequence[int], limit: int) -> Window:
    """A window that holds a quarter of its pieces before the anchor; it answers for that cue alone."""
    first, end, size = anchor, anchor + 1, pieces[anchor]
    while first > 0 and size + pieces[first - 1] <= limit // 4:
        first -= 1
        size += pieces[first]
    while end < len(pieces) and size + pieces[end] <= limit:
        size += pieces[end]
        end += 1
    while first > 0 and size + pieces[first - 1] <= limit:
        first -= 1
        size += pieces[first]
    return Window(first, end, anchor, anchor + 1)


def _repeats(quotation: Quotation, paragraphs: Sequence[Paragraph]) -> tuple[tuple[Span, ...], ...]:
    """The other places of a content all of whose paragraphs stand in the page again, at one distance."""
    touched = [p for p in paragraphs if any(p.span.overlaps(span) for span in quotation.content)]
    distances = [{again.start - p.span.start for again in p.repeats} for p in touched]
    if not distances:
        return ()
    return tuple(tuple(span.shifted(by) for span in quotation.content) for by in sorted(set.intersection(*distances)))
