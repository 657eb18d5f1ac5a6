"""`extractor serve`: predictions for whoever reviews in Label Studio, on any task of a project."""

from __future__ import annotations

import os
import socket
from typing import Annotated

import typer

from extractor.cli.console import note
from extractor.cli.device import Device, Precision
from extractor.errors import MendableError

EXAMPLE = "Example: [bold]extractor serve --port 9090[/bold], with a long random EXTRACTOR_SERVE_TOKEN"

TOKEN = "EXTRACTOR_SERVE_TOKEN"  # noqa: S105 - the variable's name


def serve(
    checkpoint: Annotated[
        str | None,
        typer.Option(
            help="A folder or a hub name. Default: the promoted one, followed without a restart; while none is, the "
            "starter that comes with the program."
        ),
    ] = None,
    database: Annotated[
        str, typer.Option(envvar="EXTRACTOR_DATABASE", help="Where promotions are looked up, if it is there.")
    ] = "extractor.db",
    host: Annotated[str, typer.Option(help="Where to listen. Default: this machine only.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 9090,
    device: Annotated[Device, typer.Option()] = Device.auto,
    precision: Annotated[Precision, typer.Option(help="auto: bf16 where the processor has it.")] = Precision.auto,
) -> None:
    """Answer Label Studio's requests for predictions (its ML backend protocol).

    The token in EXTRACTOR_SERVE_TOKEN is what Label Studio must give as the password of basic authentication.
    """
    token = _token()
    listening = _listen(host, port)

    import uvicorn

    from extractor.cli.promoted import Fixed, Following
    from extractor.cli.reading import Settings
    from extractor.document import Document
    from review.backend import backend
    from review.tasks import prediction

    settings = Settings(device, precision)
    tagger = Fixed(checkpoint, settings) if checkpoint else Following(database, settings)

    def predict(document: Document) -> dict[str, object]:
        return prediction(next(tagger.extractor().annotate([document])))

    app = backend(predict, tagger.name, token)
    place = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
    note(f"{tagger.extractor().checkpoint} answers at {place}; Ctrl-C ends it")
    if host not in ("127.0.0.1", "::1", "localhost"):
        note("other machines reach it over plain HTTP: put a server with TLS in front of it")
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=10)
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:
        note("stopped")


def _token() -> str:
    token = os.environ.get(TOKEN, "")
    if len(token) < 16 or not token.isascii() or not token.isprintable():
        found = f"{len(token)} characters" if token else "not set"
        raise MendableError(
            f"{TOKEN} is {found}: set it to at least 16 printable ASCII characters, as `openssl rand -hex 32` prints"
        )
    return token


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        reason = str(error.strerror).partition(" (")[0]  # Python repeats the address there
        raise MendableError(
            f"cannot listen at {host}, port {port} ({reason}): choose others with --host and --port"
        ) from error
