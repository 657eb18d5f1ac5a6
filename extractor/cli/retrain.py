"""`extractor retrain`: what reviewers accepted trains the next checkpoint, and only a better one is used."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from extractor.cli.console import note
from extractor.cli.device import Device, processor

if TYPE_CHECKING:
    from extractor.document import Document
    from extractor.training import Progress
    from models.retrainings import Retraining
    from review.retrain import Lesson, Waiting
    from review.slices import Readings

EXAMPLE = "Example: [bold]extractor retrain --quiet[/bold], each night by cron or a systemd timer"

KEPT, FAILED, OUT_OF_TIME = 3, 4, 5

_WARMUP = 0.3
"""Of all steps: the optimizer's first ones are as long as the rate, however little there is to learn."""


def retrain(
    database: Annotated[
        str, typer.Option(envvar="EXTRACTOR_DATABASE", help="The queue: a file, or any SQLAlchemy URL.")
    ] = "extractor.db",
    min_articles: Annotated[int, typer.Option(min=1, help="Newly accepted articles that are enough.")] = 50,
    max_days: Annotated[float, typer.Option(min=0, help="Days after which any new label is enough.")] = 14,
    max_hours: Annotated[
        float, typer.Option(min=0, help="Training stops after so many hours; the next call goes on.")
    ] = 6,
    base: Annotated[
        str, typer.Option(help="What training starts from: a checkpoint's folder or an encoder.")
    ] = "starter",
    checkpoints: Annotated[
        Path | None,
        typer.Option(help="Where candidates are kept. Default: checkpoints, beside the database.", file_okay=False),
    ] = None,
    gold: Annotated[
        Path | None,
        typer.Option(help="Gold while reviewers have made too little. Default: the shipped.", exists=True),
    ] = None,
    replay: Annotated[
        Path | None, typer.Option(help="Learned from each time. Default: the shipped examples.", exists=True)
    ] = None,
    adjudicator: Annotated[
        list[str] | None,
        typer.Option(envvar="EXTRACTOR_ADJUDICATORS", help="A reviewer whose readings overrule; may be repeated."),
    ] = None,
    epochs: Annotated[int, typer.Option(min=1)] = 3,
    seed: Annotated[int, typer.Option()] = 1,
    batch_pieces: Annotated[int, typer.Option(help="Pieces in one batch: what memory grows with.", min=64)] = 2000,
    encoder_rate: Annotated[float, typer.Option(help="The encoder's highest learning rate.", min=0)] = 3e-5,
    head_rate: Annotated[float, typer.Option(help="The heads'.", min=0)] = 3e-4,
    device: Annotated[Device, typer.Option()] = Device.auto,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing where there is nothing to do.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="How it ended, as one line of JSON.")] = False,
) -> None:
    """Train on what reviewers accepted, and promote the result if it is better than what is used now.

    Exit status: 0 promoted, or nothing to do; 3 kept what was; 4 failed; 5 out of time, the next call goes on.
    """
    from models.engine import open_database
    from review.retrain import BusyError, OutOfTimeError, Retrainer, Settings, Waiting

    engine = open_database(database)
    shipped = _shipped()
    options = {"epochs": epochs, "batch_pieces": batch_pieces, "encoder_rate": encoder_rate, "head_rate": head_rate}
    settings = Settings(
        folder=checkpoints or _beside(engine.url.database if engine.dialect.name == "sqlite" else None),
        base=_base(base),
        seed_gold=gold or shipped / "gold.jsonl",
        replay=replay or shipped / "examples.jsonl",
        seed=seed,
        options=options,
        least=min_articles,
        patience=timedelta(days=max_days),
        adjudicators=tuple(adjudicator or ()),
    )
    torch = _Torch(device, time.monotonic() + max_hours * 3600)
    try:
        ended = Retrainer(engine, settings, torch.train, torch.read, note).run()
    except BusyError as error:
        if not quiet:
            note(str(error))
        _print_json(as_json, {"state": "busy"})
        return
    except OutOfTimeError as error:
        note(str(error))
        _print_json(as_json, {"state": "running"})
        raise typer.Exit(OUT_OF_TIME) from error
    if isinstance(ended, Waiting):
        if not quiet:
            note(str(ended))
        _print_json(as_json, _waiting(ended))
        return
    note(f"{ended.name}: {ended.state}; {ended.verdict}")
    if contradicted := ended.facts.get("contradicted"):
        note(f"{contradicted} reviews are contradicted: see extractor review problems")
    _print_json(as_json, ended.as_dict())
    _exit(ended)


def _exit(ended: Retraining) -> None:
    from models.learning_tables import RetrainingState

    code = {RetrainingState.KEPT: KEPT, RetrainingState.FAILED: FAILED}.get(ended.state, 0)
    if code:
        raise typer.Exit(code)


def _print_json(wanted: bool, record: dict[str, Any]) -> None:
    if wanted:
        typer.echo(json.dumps(record, ensure_ascii=False))


def _waiting(ended: Waiting) -> dict[str, Any]:
    since = ended.since and ended.since.isoformat()
    return {"state": "waiting", "new_articles": ended.new, "awaited": ended.least, "since": since}


def _shipped() -> Path:
    import seeds

    return Path(seeds.__path__[0])


def _base(base: str) -> str:
    from extractor.checkpoint_folder import starter_checkpoint

    if base == "starter":
        return str(starter_checkpoint())
    return str(Path(base).resolve()) if Path(base).is_dir() else base


def _beside(database: str | None) -> Path:
    return (Path(database).resolve().parent if database else Path.cwd()) / "checkpoints"


class _Torch:
    """Training and reading as `review.retrain` wants them; torch is loaded when the first is called."""

    def __init__(self, device: Device, deadline: float) -> None:
        self._device, self._deadline = device, deadline

    def train(self, lesson: Lesson, folder: Path) -> None:
        from transformers.utils.logging import disable_progress_bar

        from extractor.training import Recipe, data_facts, examples, train

        disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers' own, which shows in pipes too
        train(
            examples(lesson.articles),
            lesson.base,
            folder,
            Recipe(seed=lesson.seed, warmup=_WARMUP, **lesson.options),
            name=lesson.name,
            facts={**lesson.facts, "data": data_facts(lesson.articles)},
            device=processor(self._device),
            on_step=self._check_time,
        )
        self._calibrate(lesson, folder)

    def read(self, folder: Path, documents: Sequence[Document]) -> Readings:
        from extractor.pipeline import Extractor

        extractor = Extractor.load(folder, device=processor(self._device))
        return {found.document.sha256: found.quotations for found in extractor.annotate(documents)}

    def _check_time(self, progress: Progress) -> None:
        from review.retrain import OutOfTimeError

        if time.monotonic() > self._deadline:
            raise OutOfTimeError(
                f"out of time at step {progress.step} of {progress.steps}: the same command goes on from what was saved"
            )

    def _calibrate(self, lesson: Lesson, folder: Path) -> None:
        """Confidence that is the share that comes true; where the gold cannot tell, the tagger's own number stands."""
        from dataclasses import replace

        from extractor.checkpoint import load_checkpoint
        from extractor.confidence import fit
        from extractor.matching import match

        plain = replace(load_checkpoint(folder), confidence=None)
        readings = self.read(folder, [article.document for article in lesson.gold])
        pairs = [pair for article in lesson.gold for pair in match(article, readings[article.document.sha256])]
        guesses = [(pair.predicted, pair.right) for pair in pairs if pair.predicted]
        try:
            confidence = fit([guess for guess, _ in guesses], [right for _, right in guesses])
        except ValueError as error:
            note(f"{lesson.name}: confidence is not calibrated: {error}")
            return
        about = {"articles": len(lesson.gold), "quotations": len(guesses)}
        calibrated = replace(plain, confidence=confidence, facts={**plain.facts, "calibration": about})
        calibrated.save_settings(folder)
