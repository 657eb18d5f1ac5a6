"""Promotion and rollback: one row each, and back through all that was used."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractor.checkpoint_folder import CheckpointError, fingerprint, publish
from models.checkpoints import STARTER, Checkpoints
from models.engine import open_database
from models.store import Store
from tests.program import rows

NAMES = ("a", "b", "c")


def registered(folder: Path, template: Path) -> Checkpoints:
    """A database that knows `NAMES`, in folders of their own."""
    engine = open_database(folder / "extractor.db")
    for name in NAMES:
        place = folder / name
        if not place.exists():
            shutil.copytree(template, place)
            (place / "config.json").write_text((place / "config.json").read_text("utf-8") + " " * NAMES.index(name))
        Store(engine).register_checkpoint(name, fingerprint(place), str(place))
    return Checkpoints(engine)


def test_rollback_walks_back_to_the_starter(tmp_path: Path, small_checkpoint: Path) -> None:
    known = registered(tmp_path, small_checkpoint)
    with pytest.raises(CheckpointError, match="nothing to roll back to"):
        known.rollback("x")
    for name in NAMES:
        known.promote(name, "x")
    assert [known.rollback("x") for _ in range(2)] == ["b", "a"]
    known.promote("c", "x")
    assert [known.rollback("x") for _ in range(2)] == ["a", STARTER]
    assert known.current() is None
    assert [p.is_rollback for p in known.promotions()] == [False] * 3 + [True] * 2 + [False] + [True] * 2
    known.promote(STARTER, "x")
    assert known.current() is None


@settings(max_examples=15, deadline=None)
@given(orders=st.lists(st.sampled_from([*NAMES, STARTER, None]), max_size=8))
def test_history_only_grows(
    tmp_path_factory: pytest.TempPathFactory, small_checkpoint: Path, orders: list[str]
) -> None:
    """None is a rollback; a list of what was used tells where it leads."""
    folder = tmp_path_factory.mktemp("history")
    known, used, written = registered(folder, small_checkpoint), [STARTER], 0
    for name in orders:
        if name is None and len(used) == 1:
            continue
        if name is None:
            used.pop()
            assert known.rollback("x") == used[-1]
        else:
            known.promote(name, "x")
            used += [name] if name != used[-1] else []
        written += 1
        current = known.current()
        assert (current.name if current else STARTER) == used[-1]
    assert rows(folder / "extractor.db", "SELECT count(*) FROM promotions") == [(written,)]


def test_what_is_not_whole_is_not_used(tmp_path: Path, small_checkpoint: Path) -> None:
    known = registered(tmp_path, small_checkpoint)
    known.promote("a", "x")
    known.promote("b", "x")
    (tmp_path / "a" / "tokenizer.json").write_text("{}")
    changed = r"checkpoint a at .* was changed since it was registered"
    with pytest.raises(CheckpointError, match=changed):
        known.rollback("x")
    with pytest.raises(CheckpointError, match=changed):
        known.promote("a", "x")
    current = known.current()
    assert current
    assert current.name == "b"
    shutil.rmtree(tmp_path / "b")
    with pytest.raises(CheckpointError, match="is not at"):
        current.verified()
    with pytest.raises(CheckpointError, match="no checkpoint nosuch is known"):
        known.find("nosuch")
    assert known.find(known.find("c").fingerprint[:8]).name == "c"


def test_publishing_is_all_or_nothing(tmp_path: Path, small_checkpoint: Path) -> None:
    (tmp_path / ".new.part").mkdir()
    (tmp_path / ".new.part" / "rubbish").write_text("of a killed one")
    publish(small_checkpoint, tmp_path / "new", leave_out="tokenizer_config.json")
    assert fingerprint(tmp_path / "new") == fingerprint(small_checkpoint)
    assert {path.name for path in tmp_path.iterdir()} == {"new"}
    assert not (tmp_path / "new" / "rubbish").exists()
    assert not (tmp_path / "new" / "tokenizer_config.json").exists()
