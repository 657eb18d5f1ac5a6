"""Pulling again and again: patient with a server that is away, stopped by a signal between two rounds."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType

from models.outbox import LeaseTakenError
from review.label_studio import ServerAwayError

LONGEST_PAUSE = 600.0
"""Seconds between two tries while the server is away."""


class Watch:
    """``every`` seconds a ``round_trip``; ``note`` tells people of what went wrong."""

    def __init__(self, round_trip: Callable[[], None], every: float, note: Callable[[str], None]) -> None:
        self._round_trip, self._every, self._note = round_trip, every, note
        self._nudge = threading.Event()
        self._stopped = False

    def run(self, webhook: int | None = None) -> None:
        """Until SIGINT or SIGTERM, which let a round end. A POST to the port ``webhook`` starts the next round."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        listener = _listen(webhook, self._nudge.set) if webhook else None
        pause = self._every
        while not self._stopped:
            try:
                self._round_trip()
                pause = self._every
            except (ServerAwayError, LeaseTakenError) as error:
                pause = min(2 * pause, max(LONGEST_PAUSE, self._every))
                self._note(f"{error}; trying again in {pause:.0f} s")
            if not self._stopped:
                self._nudge.wait(pause)
            self._nudge.clear()
        if listener:
            listener.shutdown()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopped = True
        self._nudge.set()


def _listen(port: int, nudge: Callable[[], None]) -> ThreadingHTTPServer:
    """What a webhook says is not read: it has no signature, and the next pull finds out anyway."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            nudge()
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Standard error is for people."""

    listener = ThreadingHTTPServer(("127.0.0.1", port), Receiver)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    return listener
