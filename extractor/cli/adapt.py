"""`extractor adapt`: raw articles and a pretrained encoder in, an encoder that knows news out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from extractor.cli.console import note, progress_bar
from extractor.cli.device import Device, processor

EXAMPLE = "Example: [bold]extractor adapt archive/ --base aubmindlab/bert-base-arabertv02 --output encoder[/bold]"


def adapt(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT...", help="Raw articles, as `extractor run` reads them.")
    ],
    base: Annotated[str, typer.Option(help="The pretrained encoder: a folder, or any BERT's name on the hub.")],
    output: Annotated[Path, typer.Option(help="The encoder's folder; a run that is under way there continues.")],
    limit: Annotated[int | None, typer.Option(min=1, help="Read this many articles, drawn by hash.")] = None,
    seed: Annotated[int, typer.Option()] = 1,
    device: Annotated[Device, typer.Option()] = Device.auto,
) -> None:
    """Adapt an encoder to news by masked words, before `extractor train`. Needs no annotations.

    Interrupted, the same command continues where it stopped.
    """
    from extractor.cli.reading import raw_articles

    articles = raw_articles(inputs, limit)
    from extractor.adaptation import AdaptationRecipe
    from extractor.adaptation import adapt as adapt_encoder

    with progress_bar() as bar:
        task = bar.add_task("adapting", total=None)

        def show(step: int, steps: int, loss: float) -> None:
            bar.update(task, completed=step, total=steps, description=f"adapting, loss {loss:.2f}")

        adapt_encoder(
            [article.raw for article in articles],
            base,
            output,
            AdaptationRecipe(seed=seed),
            device=processor(device),
            on_step=show,
        )
    note(f"encoder {output} is ready: extractor train GOLD --base {output}")
