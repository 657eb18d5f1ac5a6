"""`extractor train`: annotated articles and a pretrained encoder in, a checkpoint out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.cli.console import interrupts_wait, note, progress_bar
from extractor.cli.device import Device, processor

if TYPE_CHECKING:
    from extractor.checkpoint import Checkpoint
    from extractor.training import Progress

EXAMPLE = "Example: [bold]extractor train gold.jsonl --base aubmindlab/bert-base-arabertv02 --output checkpoint[/bold]"


def train(
    data: Annotated[list[Path], typer.Argument(help="Annotated articles (JSON Lines).", exists=True, dir_okay=False)],
    base: Annotated[
        str,
        typer.Option(
            help="The pretrained encoder: a folder, or any BERT's name on the hub. Or a checkpoint to go on from."
        ),
    ],
    output: Annotated[Path, typer.Option(help="The checkpoint's folder; a run that is under way there continues.")],
    dev: Annotated[
        Path | None,
        typer.Option(help="Annotated articles to score after each epoch.", exists=True, dir_okay=False),
    ] = None,
    silver: Annotated[
        list[Path] | None,
        typer.Option(help="What `extractor label` wrote; may be given again.", exists=True, dir_okay=False),
    ] = None,
    name: Annotated[str | None, typer.Option(help="The checkpoint's name. Default: the folder's.")] = None,
    epochs: Annotated[int, typer.Option(min=1)] = 4,
    seed: Annotated[int, typer.Option()] = 1,
    batch_pieces: Annotated[int, typer.Option(help="Pieces in one batch.", min=64)] = 2000,
    encoder_rate: Annotated[float, typer.Option(help="The encoder's highest learning rate.", min=0)] = 1e-4,
    head_rate: Annotated[float, typer.Option(help="The heads'.", min=0)] = 1.5e-3,
    silver_share: Annotated[
        float, typer.Option(help="Silver articles to each annotated one, in each epoch others.", min=0)
    ] = 0.5,
    device: Annotated[Device, typer.Option()] = Device.auto,
) -> None:
    """Fine-tune a tagger on any BERT. Interrupted, the same command continues where it stopped."""
    from extractor.errors import MendableError
    from extractor.evaluation import evaluate
    from extractor.gold import read_gold
    from extractor.silver import read_silver

    try:
        articles = [article for path in data for article in read_gold(path)]
        held_out = list(read_gold(dev)) if dev else []
        raw = [article for path in silver or [] for article in read_silver(path)]
    except (OSError, ValueError) as error:
        raise MendableError(f"{error}: give files of annotated articles") from error
    known = {a.document.sha256 for a in articles} | {a.document.sha256 for a in raw}
    if shared := known & {a.document.sha256 for a in held_out}:
        raise MendableError(f"{len(shared)} articles of --dev are in the training data: take them out of one")

    from transformers.utils.logging import disable_progress_bar

    from extractor.pipeline import Extractor
    from extractor.training import Recipe, data_facts, examples
    from extractor.training import train as fine_tune
    from extractor.training_picture import draw_training

    disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers' own, which shows in pipes too
    where = processor(device)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MendableError(f"{output} cannot be made ({error.strerror}): give another --output") from error

    def scores_of(epoch: int, checkpoint: Checkpoint) -> dict[str, list[float]]:
        if not held_out:
            return {}
        annotations = Extractor(checkpoint, device=where).annotate(a.document for a in held_out)
        scores = evaluate(held_out, {a.document.id: a.quotations for a in annotations})
        note(f"epoch {epoch}: found {scores.found.f1:.3f} exact {scores.exact.f1:.3f} who {scores.who.f1:.3f}")
        return {
            measure: [round(value, 4) for value in (m.f1, m.low, m.high)]
            for measure, m in (("found", scores.found), ("exact", scores.exact), ("who", scores.who))
        }

    with progress_bar() as bar:
        task = bar.add_task("training", total=None)

        def show(progress: Progress) -> None:
            bar.update(
                task,
                completed=progress.step,
                total=progress.steps,
                description=f"epoch {progress.epoch + 1} cue {progress.cue_loss:.2f} roles {progress.role_loss:.2f}",
            )

        def draw() -> None:
            with interrupts_wait():
                draw_training(output)

        fine_tune(
            examples(articles),
            base,
            output,
            Recipe(
                epochs=epochs,
                seed=seed,
                batch_pieces=batch_pieces,
                encoder_rate=encoder_rate,
                head_rate=head_rate,
                silver=silver_share,
            ),
            name=name or output.name,
            silver=[article.example() for article in raw],
            facts={"data": data_facts(articles), "silver_articles": len(raw), "dev_articles": len(held_out)},
            device=where,
            on_step=show,
            on_epoch=scores_of,
            on_logged=draw,
        )
    note(f"checkpoint {output} is ready: extractor run INPUT --checkpoint {output}")
