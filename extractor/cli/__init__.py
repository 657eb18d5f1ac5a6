"""The command line. Each command imports what it needs when it is called: torch alone takes seconds to load."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from extractor.cli import (
    adapt,
    calibrate,
    checkpoints,
    evaluate,
    label,
    lineage,
    report,
    retrain,
    review,
    review_agreement,
    run,
    serve,
    train,
    unpack_base,
)
from extractor.cli.console import abandon_output, note
from extractor.errors import MendableError


class _Program(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        """A mistake that a user can mend is one line on standard error and exit status 1.

        Typer itself would answer an interrupt with silence, and a reader that has gone with status 1.
        """
        try:
            return super().invoke(ctx)
        except MendableError as error:
            note(f"error: {error}")
            raise typer.Exit(1) from error
        except KeyboardInterrupt as interrupt:
            note("interrupted; what was done is kept: run the same command again to continue")
            raise typer.Exit(130) from interrupt
        except BrokenPipeError as gone:  # as `head` goes
            abandon_output()
            raise typer.Exit(141) from gone


app = typer.Typer(
    name="extractor",
    cls=_Program,
    help="Who said what, in Arabic news: finds quotations with their speakers.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run", epilog=run.EXAMPLE)(run.run)
app.command("train", epilog=train.EXAMPLE)(train.train)
app.command("unpack-base", epilog=unpack_base.EXAMPLE)(unpack_base.unpack_base)
app.command("adapt", epilog=adapt.EXAMPLE)(adapt.adapt)
app.command("calibrate", epilog=calibrate.EXAMPLE)(calibrate.calibrate)
app.command("label", epilog=label.EXAMPLE)(label.label)
app.command("evaluate", epilog=evaluate.EXAMPLE)(evaluate.evaluate)
app.command("retrain", epilog=retrain.EXAMPLE)(retrain.retrain)
app.command("serve", epilog=serve.EXAMPLE)(serve.serve)
app.command("lineage", epilog=lineage.EXAMPLE)(lineage.lineage)
app.add_typer(review.app, name="review")
app.add_typer(checkpoints.app, name="checkpoints")
app.add_typer(report.app, name="report")
review.app.command("agreement")(review_agreement.agreement)
review.app.command("leakage")(review_agreement.leakage)


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
    app()
