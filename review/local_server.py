"""A Label Studio server on this machine, from an environment of its own: ``python -m review.local_server``.

Its options for user, password and token only work on an empty data folder, and silently do nothing on any other: a
folder is prepared beside its place and moved there when the token is known to work.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from extractor.errors import MendableError

PROGRAM = Path(__file__).resolve().parent.parent / ".venv-label-studio" / "bin" / "label-studio"
FIRST_START = 600.0
"""Seconds that migrations may take on a slow machine; about 50 are usual."""

_SETTINGS = {
    "COLLECT_ANALYTICS": "false",
    "LATEST_VERSION_CHECK": "false",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    "USE_DEFAULT_BANNED_SUBNETS": "false",  # or it refuses `extractor serve` on its own machine
}


@dataclass(frozen=True, slots=True)
class Credentials:
    email: str
    password: str
    token: str


def prepare(folder: Path, credentials: Credentials, environment: Mapping[str, str] | None = None) -> None:
    """Makes the data folder, with its user and token, unless it is there already."""
    if folder.exists():
        return
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)  # of a preparation that was killed
    part.mkdir(parents=True)
    options = ["--username", credentials.email, "--password", credentials.password]
    options += ["--user-token", credentials.token, "--enable-legacy-api-token"]
    with running(part, environment=environment, options=options) as url:
        if not answers(f"{url}/api/projects/", credentials.token):
            raise MendableError(f"Label Studio made no user in {part}: see {part}/server.log")
    part.rename(folder)


@contextmanager
def running(
    folder: Path,
    port: int | None = None,
    environment: Mapping[str, str] | None = None,
    options: list[str] | None = None,
) -> Iterator[str]:
    """The address of a server on the data folder; it ends with the block."""
    if not PROGRAM.exists():
        raise MendableError(f"{PROGRAM} is not there: run make label-studio-environment")
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    command = [str(PROGRAM), "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port)]
    with (folder / "server.log").open("ab") as log:
        server = subprocess.Popen(  # noqa: S603 - our own program
            [*command, *(options or [])],
            env={**os.environ, **_SETTINGS, "LABEL_STUDIO_BASE_DATA_DIR": str(folder.resolve()), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # so that all of it can be stopped
        )
    try:
        _wait_for(server, url, folder)
        yield url
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def answers(url: str, token: str = "") -> bool:
    """Whether a GET is answered with 200."""
    request = urllib.request.Request(url, headers={"Authorization": f"Token {token}"} if token else {})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(server: subprocess.Popen[bytes], url: str, folder: Path) -> None:
    end = time.monotonic() + FIRST_START
    while not answers(f"{url}/health"):
        if server.poll() is not None or time.monotonic() > end:
            raise MendableError(f"Label Studio does not start on {url}: see {folder}/server.log")
        time.sleep(0.2)


def main(folder: Path, port: int) -> None:
    """Starts the server, with its project ready, until it is interrupted."""
    url = f"http://127.0.0.1:{port}"
    if answers(f"{url}/health"):
        sys.stderr.write(f"a Label Studio runs already: {url}\n")
        return
    credentials = _credentials(folder)
    if not folder.exists():
        sys.stderr.write("the first start takes about a minute\n")
    prepare(folder, credentials)
    with running(folder, port):
        environment = {**os.environ, "LABEL_STUDIO_URL": url, "LABEL_STUDIO_API_KEY": credentials.token}
        extractor = str(Path(sys.executable).parent / "extractor")
        if subprocess.run([extractor, "review", "setup"], env=environment, check=False).returncode:  # noqa: S603
            raise MendableError(f"the project in {folder} could not be made ready: see above")
        sys.stderr.write(
            f"open {url} as {credentials.email}; the password and what `extractor review` needs are in {folder}.env:\n"
            f"  set -a; . {folder}.env; set +a\n"
            "Ctrl+C stops the server, make label-studio starts it again\n"
        )
        signal.pause()


def _credentials(folder: Path) -> Credentials:
    """Made once, and kept beside the data folder for its owner alone."""
    file = folder.with_name(folder.name + ".env")
    if not file.exists():
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(
                "LABEL_STUDIO_USER=reviewer@example.org\n"
                f"LABEL_STUDIO_PASSWORD={secrets.token_urlsafe(9)}\n"
                f"LABEL_STUDIO_API_KEY={secrets.token_hex(20)}\n"
            )
    kept = dict(line.split("=", 1) for line in file.read_text("utf-8").split())
    return Credentials(kept["LABEL_STUDIO_USER"], kept["LABEL_STUDIO_PASSWORD"], kept["LABEL_STUDIO_API_KEY"])


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the server ends too
    try:
        main(Path(sys.argv[1]), int(sys.argv[2]))
    except (MendableError, KeyboardInterrupt) as error:
        raise SystemExit(f"error: {error}" if isinstance(error, MendableError) else 130) from error
