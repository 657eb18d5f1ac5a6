"""Pushes or pulls all there is, to be killed: ``python -m tests.reviewing_program push DB URL``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from review.label_studio import Server
from tests.reviewing import Loop


def main(command: str, database: str, url: str) -> None:
    loop = Loop(Path(database), Server(url, os.environ["LABEL_STUDIO_API_KEY"]))
    if command == "push":
        loop.push()
    else:
        loop.pull()


if __name__ == "__main__":
    main(*sys.argv[1:])
