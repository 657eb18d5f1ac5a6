"""What the tests of the tagger share: a small encoder, a checkpoint that talks much, one that learned something."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator

os.environ["HF_HUB_OFFLINE"] = "1"  # before anything imports the hub's client, which reads it once

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from review.local_server import PROGRAM, Credentials, prepare, running
from tests.stories import articles

if TYPE_CHECKING:
    from extractor.pipeline import Extractor

ROOT = Path(__file__).parents[1]
# A shell that runs the tests in the background has them ignore interrupts, and what they start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
REVIEWER = Credentials("reviewer@example.org", "only-for-tests", "0123456789abcdef0123456789abcdef01234567")


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """What small vocabularies are made of: the five seed articles, and the invented ones."""
    seeds = [path.read_text("utf-8") for path in sorted((ROOT / "seeds" / "articles").glob("*.txt"))]
    return [*seeds, *(article.document.raw for article in articles(40))]


@pytest.fixture(scope="session")
def small_encoder(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> Path:
    """The folder of an untrained BERT of 2 layers × 32, whose windows hold 128 pieces."""
    import torch

    from tests import encoders

    torch.set_num_threads(1)  # for matrices of 32 columns, waking threads costs more than the work
    return encoders.bert(tmp_path_factory.mktemp("encoder"), texts)


@pytest.fixture(scope="session")
def small_checkpoint(tmp_path_factory: pytest.TempPathFactory, small_encoder: Path) -> Path:
    """The folder of a checkpoint that knows nothing and sees quotations everywhere, of every shape."""
    import torch

    from extractor.checkpoint import Checkpoint, new_tagger
    from extractor.tagger import HeadSizes

    torch.manual_seed(4)
    tagger, pieces = new_tagger(small_encoder, HeadSizes(word=16, distance=4, roles=12))
    cue = tagger.cue[-1]
    assert isinstance(cue, torch.nn.Linear)
    with torch.no_grad():
        cue.weight.mul_(20)
        cue.bias.sub_(4.5)  # about a word in five
        tagger.emit.weight.mul_(12)
        tagger.describe.weight.mul_(12)
    folder = tmp_path_factory.mktemp("talkative")
    Checkpoint("talkative", tagger, pieces, threshold=0.5).save(folder)
    return folder


@pytest.fixture(scope="session")
def trained_checkpoint(tmp_path_factory: pytest.TempPathFactory, small_encoder: Path) -> Path:
    """The folder of a checkpoint that knows the quotations of tests/stories.py by heart."""
    from extractor.tagger import HeadSizes
    from extractor.training import Recipe, examples, train

    folder = tmp_path_factory.mktemp("trained")
    recipe = Recipe(
        epochs=10,
        batch_pieces=300,
        encoder_rate=3e-3,
        head_rate=1e-2,
        average=0.95,
        augment=False,
        sizes=HeadSizes(word=48, distance=8, roles=32, dropout=0.05),
    )
    train(examples(articles(60)), small_encoder, folder, recipe, name="by-heart")
    return folder


@pytest.fixture(scope="session")
def talkative(small_checkpoint: Path) -> Extractor:
    from extractor.pipeline import Extractor

    return Extractor.load(small_checkpoint, device="cpu", precision="float32")


@pytest.fixture(scope="session")
def trained(trained_checkpoint: Path) -> Extractor:
    from extractor.pipeline import Extractor

    return Extractor.load(trained_checkpoint, device="cpu", precision="float32")


@pytest.fixture(scope="session")
def label_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real server, whose user is REVIEWER; its data are a copy of a folder prepared once."""
    if not PROGRAM.exists():
        pytest.skip("no Label Studio here: make label-studio-environment")
    prepared = PROGRAM.parents[1] / "prepared"
    prepare(prepared, REVIEWER)
    folder = tmp_path_factory.mktemp("label-studio") / "data"
    shutil.copytree(prepared, folder)
    with running(folder) as url:
        yield url
