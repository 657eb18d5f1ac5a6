"""The command line. Each command imports what it needs when it is called: torch alone takes seconds to load."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from extractor.cli import evaluate, run, train
from extractor.cli.console import note
from extractor.errors import MendableError

app = typer.Typer(
    name="extractor",
    help="Who said what, in Arabic news: finds quotations with their speakers.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run", epilog=run.EXAMPLE)(run.run)
app.command("train", epilog=train.EXAMPLE)(train.train)
app.command("evaluate", epilog=evaluate.EXAMPLE)(evaluate.evaluate)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("extractor"))
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop."),
    ] = False,
) -> None:
    """Who said what, in Arabic news: finds quotations with their speakers."""


def main() -> None:
    """The program: a mistake that a user can mend is one line on standard error and exit status 1."""
    try:
        app()
    except MendableError as error:
        note(f"error: {error}")
        sys.exit(1)
    except KeyboardInterrupt:
        note("interrupted; what was done is kept: run the same command again to continue")
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        sys.stderr.close()
        sys.exit(141)
