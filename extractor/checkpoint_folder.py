"""Where checkpoints are and which is which, told without loading them (torch takes seconds to import)."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

from extractor.errors import MendableError

WEIGHTS, SETTINGS = "model.safetensors", "tagger.json"
_DECIDING = (SETTINGS, "config.json", "tokenizer.json", WEIGHTS)


class CheckpointError(MendableError):
    """A checkpoint that cannot be used."""


def starter_checkpoint() -> Path:
    """The folder of the checkpoint that ships with the program."""
    import seeds

    return Path(seeds.__path__[0]) / "checkpoint"


def find_checkpoint(where: str | Path | None) -> Path:
    """The folder of a checkpoint: the starter (None, "starter"), a local folder, or fetched from a hub by its name.

    Raises CheckpointError where there is none.
    """
    if where is None or where == "starter":
        where = starter_checkpoint()
    folder = Path(where)
    if not folder.is_dir():
        if folder.exists() or str(where).count("/") != 1 or str(where).startswith((".", "/", "~")):
            raise CheckpointError(f"no checkpoint {where}: give a folder that `extractor train` wrote or a hub name")
        folder = _fetched(str(where))
    # All of them: without its tokenizer's file, transformers would make one that knows no words, and say nothing.
    for name in _DECIDING:
        if not (folder / name).is_file():
            raise CheckpointError(f"{folder} holds no {name}: give a folder that `extractor train` wrote")
    return folder


def name_of(folder: Path) -> str:
    """Raises CheckpointError where the settings cannot be read."""
    try:
        return str(json.loads((folder / SETTINGS).read_text("utf-8"))["name"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{folder / SETTINGS} cannot be read ({error}): restore the checkpoint") from error


def fingerprint(folder: Path) -> str:
    """The SHA-256 of what decides how it tags, the facts of its making left out.

    Raises CheckpointError where a file is missing or the settings cannot be read.
    """
    digest = hashlib.sha256()
    try:
        settings = json.loads((folder / SETTINGS).read_text("utf-8"))
        digest.update(json.dumps({key: settings[key] for key in sorted(settings) if key != "facts"}).encode())
        for name in _DECIDING[1:]:
            with (folder / name).open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"checkpoint {folder} is not whole ({error}): restore it or give another") from error
    return digest.hexdigest()


def publish(made: Path, place: Path, leave_out: str) -> None:
    """Copies a finished checkpoint to ``place``, all of it or nothing, whatever happens; safe on disk when it returns.

    ``leave_out``: the name of what stays behind. An older, unfinished copy is replaced.
    """
    part = place.with_name(f".{place.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(made, part, ignore=shutil.ignore_patterns(leave_out))
    for path in [*part.rglob("*"), part]:
        _sync(path)
    part.rename(place)
    _sync(place.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fetched(name: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=["*.json", WEIGHTS, "README.md"]))
    # The hub's client raises dozens of kinds; each means the same here.
    except Exception as error:
        first_line = str(error).strip().split("\n")[0]
        raise CheckpointError(
            f"checkpoint {name} is no folder here and could not be fetched from the hub: {first_line}"
        ) from error
