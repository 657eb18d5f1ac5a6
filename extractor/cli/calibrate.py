"""`extractor calibrate`: a checkpoint whose confidence is the share that comes true."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from extractor.cli.console import note

EXAMPLE = "Example: [bold]extractor calibrate seeds/gold.jsonl --checkpoint checkpoint[/bold]"


def calibrate(
    gold: Annotated[
        list[Path],
        typer.Argument(help="Annotated articles that did not train it (JSON Lines).", exists=True, dir_okay=False),
    ],
    checkpoint: Annotated[Path, typer.Option(help="The checkpoint's folder.", exists=True, file_okay=False)],
) -> None:
    """Fit a checkpoint's confidence to annotated articles that it was not trained on."""
    from extractor.errors import MendableError
    from extractor.gold import read_gold

    try:
        articles = [article for path in gold for article in read_gold(path)]
    except (OSError, ValueError) as error:
        raise MendableError(f"{error}: give files of annotated articles") from error

    from dataclasses import replace

    from extractor.calibration import calibrate as measure
    from extractor.checkpoint import load_checkpoint
    from extractor.confidence import fit
    from extractor.matching import match
    from extractor.pipeline import Extractor

    plain = replace(load_checkpoint(checkpoint), confidence=None)
    annotations = Extractor(plain).annotate(article.document for article in articles)
    answers = [
        (pair.predicted, pair.right)
        for article, annotation in zip(articles, annotations, strict=True)
        for pair in match(article, annotation.quotations)
        if pair.predicted
    ]
    quotations, right = [quotation for quotation, _ in answers], [is_right for _, is_right in answers]
    try:
        confidence = fit(quotations, right)
    except ValueError as error:
        raise MendableError(f"{error}: give more annotated articles") from error
    about = {"articles": len(articles), "quotations": len(quotations)}
    replace(plain, confidence=confidence, facts={**plain.facts, "calibration": about}).save_settings(checkpoint)
    before = measure([quotation.confidence for quotation in quotations], right).error
    after = measure([confidence.of(quotation) for quotation in quotations], right).error
    note(f"{len(quotations)} quotations of {len(articles)} articles: calibration error {before:.3f} -> {after:.3f}")
