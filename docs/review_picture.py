"""Draws docs/review.png: a seed article in Label Studio, as a reviewer sees it. ``python -m docs.review_picture``"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from models.tables import Purpose
from review.interface import set_up
from review.label_studio import Server
from review.local_server import PROGRAM, prepare, running
from tests.conftest import REVIEWER
from tests.page import browser_page, save_picture
from tests.reviewing import Loop, gold_annotations


def main() -> None:
    prepared = PROGRAM.parents[1] / "prepared"
    prepare(prepared, REVIEWER)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        shutil.copytree(prepared, folder / "server")
        with running(folder / "server") as url, browser_page(url, 1560, 900) as page:
            loop = Loop(folder / "extractor.db", Server(url, REVIEWER.token), gold_annotations()[:5])
            set_up(loop.server, loop.outbox, Purpose.REVIEW)
            loop.push()
            page.log_in(REVIEWER)
            (task,) = loop.server.find_tasks(loop.project.label_studio_id, [gold_annotations()[4].document.sha256])
            page.open(loop.project.label_studio_id, task.id)
            page.select_first_content()
            save_picture(page, Path(__file__).with_name("review.png"))


if __name__ == "__main__":
    main()
