"""From what the user named, files, folders and patterns, to the files to read."""

from __future__ import annotations

import glob
import os
from collections.abc import Collection, Iterator
from pathlib import Path

from extractor.document import Unreadable


def find_files(given: str | Path, suffixes: Collection[str]) -> Iterator[Path | Unreadable]:
    """The files of one input, sorted; the files of a folder come before those of its subfolders.

    In folders and patterns, hidden files and those of other kinds are passed over; a file named itself whose
    kind is not among ``suffixes`` is Unreadable; so is an input that is missing or gives no file at all.
    """
    path = Path(given)
    if str(given) and _exists(path):
        if path.is_dir():
            yield from _in_folder(path, suffixes)
        elif path.suffix.lower() in suffixes:
            yield path
        else:
            yield Unreadable(name_of(path), None, f"is of no kind that is read here; use {_listed(suffixes)}")
    elif glob.has_magic(str(given)):
        yield from _matching(str(given), suffixes)
    else:
        yield Unreadable(name_of(path) if str(given) else '""', None, "does not exist; check the path")


def name_of(path: Path) -> str:
    """The path as text that can be stored: bytes in it that are not UTF-8 are shown as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _in_folder(folder: Path, suffixes: Collection[str]) -> Iterator[Path | Unreadable]:
    """Links to folders are followed, each folder is entered once."""
    entered: set[tuple[int, int]] = set()
    folders = [folder]
    read = passed_over = 0
    while folders:
        here = folders.pop()
        try:
            status = here.stat()
            files, subfolders = _entries(here)
        except OSError as error:
            read += 1
            yield Unreadable(name_of(here), None, f"cannot be listed: {error.strerror}; check its permissions")
            continue
        if (status.st_dev, status.st_ino) in entered:
            continue
        entered.add((status.st_dev, status.st_ino))
        for name in files:
            if Path(name).suffix.lower() in suffixes:
                read += 1
                yield here / name
            else:
                passed_over += 1
        folders.extend(here / name for name in reversed(subfolders))
    if not read:
        yield Unreadable(name_of(folder), None, _nothing(suffixes, passed_over))


def _entries(folder: Path) -> tuple[list[str], list[str]]:
    """The visible files and subfolders, sorted."""
    files: list[str] = []
    subfolders: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                (subfolders if _is_folder(entry) else files).append(entry.name)
    return sorted(files), sorted(subfolders)


def _matching(pattern: str, suffixes: Collection[str]) -> Iterator[Path | Unreadable]:
    """``**`` runs through all folders, each file once; other patterns may also match folders to read."""
    seen: set[str] = set()
    read = passed_over = 0
    # Not Path.glob(): it takes no absolute pattern. Of several links to one file the shortest path is read.
    matches = glob.iglob(pattern, recursive=True)  # noqa: PTH207
    for match in sorted(matches, key=lambda match: (match.count(os.sep), match)):
        path = Path(match)
        real = os.path.realpath(path)  # Path.resolve() raises on a loop of links
        if real in seen:
            continue
        seen.add(real)
        if path.is_dir():
            if "**" not in pattern:
                read += 1
                yield from _in_folder(path, suffixes)
        elif path.suffix.lower() in suffixes:
            read += 1
            yield path
        else:
            passed_over += 1
    if not read:
        yield Unreadable(pattern, None, _nothing(suffixes, passed_over))


def _nothing(suffixes: Collection[str], passed_over: int) -> str:
    other = f" ({passed_over} of other kinds)" if passed_over else ""
    return f"holds no file to read{other}; the kinds are {_listed(suffixes)}"


def _listed(suffixes: Collection[str]) -> str:
    return " ".join(suffixes)


def _exists(path: Path) -> bool:
    """Also for links that lead nowhere: they exist, and reading them says what is wrong."""
    try:
        path.lstat()
    except (OSError, ValueError):
        return False
    return True


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
