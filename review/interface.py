"""The labelling interface: ours, the server's, and whether they are the same."""

from __future__ import annotations

import difflib
import hashlib
from pathlib import Path

from lxml import etree

from models.outbox import Outbox, Project
from models.tables import Purpose
from review.label_studio import LabelStudioError, ProjectFacts, Server

TITLES = {Purpose.REVIEW: "Quotations", Purpose.BLIND: "Quotations, blind"}

INSTRUCTION = """<p><b>Ctrl+Enter</b> submits: all is right. <b>Ctrl+Space</b> skips.</p>
<p>Click a region, drag its edge. Mark new words: <b>1</b> content, <b>2</b> cue, <b>3</b> source, then drag.
<b>Alt+R</b> and a click join a content with its cue, its source or its next part. <b>Backspace</b> deletes a region; a
content takes its cue and source with it.</p>
<p>Nothing said here: <b>8</b>. Not a proper article: <b>9</b>.</p>"""


class InterfaceChangedError(LabelStudioError):
    """Somebody changed the interface on the server; ``difference`` is a unified diff from ours to theirs."""

    def __init__(self, project: ProjectFacts, installed: str) -> None:
        lines = difflib.unified_diff(_lines(installed), _lines(project.interface), "installed", "server", lineterm="")
        self.difference = "\n".join(lines)
        super().__init__(
            f"the labelling interface of project {project.id} ({project.title}) was changed on the server, and labels "
            "of two interfaces do not mix: put ours back with extractor review setup --reinstall"
        )


def our_interface() -> str:
    return Path(__file__).with_name("interface.xml").read_text("utf-8")


def interface_sha256(interface: str) -> str:
    return hashlib.sha256(_canonical(interface)).hexdigest()


def is_ours(interface: str) -> bool:
    return _same(interface, our_interface())


def check_interface(server: Server, project: Project) -> ProjectFacts:
    """Raises InterfaceChangedError where the server's is not the one that we installed."""
    facts = server.project(project.label_studio_id)
    if not _same(facts.interface, project.interface):
        raise InterfaceChangedError(facts, project.interface)
    return facts


def set_up(
    server: Server, outbox: Outbox, purpose: Purpose, *, title: str | None = None, reinstall: bool = False
) -> ProjectFacts:
    """Finds or makes the project and installs our interface; running it again changes nothing.

    A project that the database does not know is found by its title, or made. Raises InterfaceChangedError where its
    interface is neither the one installed nor ours, but for ``reinstall``.
    """
    ours = our_interface()
    known = outbox.project(server.url, purpose)
    if known and title is None:
        facts = server.project(known.label_studio_id)
    else:
        title = title or TITLES[purpose]
        facts = server.find_project(title) or server.create_project(title, ours, purpose, INSTRUCTION)
    installed = known.interface if known and known.label_studio_id == facts.id else ours
    if not (reinstall or _same(facts.interface, installed) or _same(facts.interface, ours)):
        raise InterfaceChangedError(facts, installed)
    if not _same(facts.interface, ours):
        server.install_interface(facts.id, ours)
    outbox.save_project(server.url, facts.id, purpose, ours)
    return facts


def _same(one: str, other: str) -> bool:
    return _canonical(one) == _canonical(other)


def _canonical(interface: str) -> bytes:
    """Without what means nothing: line ends, indentation, the order of attributes."""
    parser = etree.XMLParser(remove_blank_text=True, resolve_entities=False, no_network=True)
    try:
        tree = etree.fromstring(interface.encode(), parser)
    except etree.XMLSyntaxError:
        return interface.encode()
    for element in tree.iter():
        element.text = " ".join((element.text or "").split()) or None
    canonical: bytes = etree.tostring(tree, method="c14n")
    return canonical


def _lines(interface: str) -> list[str]:
    return [line.strip() for line in interface.splitlines() if line.strip()]
