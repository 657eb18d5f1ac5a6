"""A proxy in front of a real server that makes things go wrong, one request at a time."""

from __future__ import annotations

import http.client
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Fault(StrEnum):
    """``BEFORE`` the server sees the request, or ``AFTER`` it has done it."""

    ERROR_BEFORE = "500, not done"
    ERROR_AFTER = "500, done all the same"
    SILENCE_AFTER = "time-out, done all the same"
    CUT_AFTER = "connection cut, done all the same"
    HTML_BEFORE = "a page of HTML with status 200, not done"
    HTML_AFTER = "a page of HTML with status 200, done all the same"
    UNAUTHORIZED = "401"
    DOUBLE_ERROR = "500, done twice"


@dataclass(slots=True)
class Planned:
    """The fault of the next request of that kind (``POST /import``); the ``skip`` first ones pass."""

    method: str
    path: str
    fault: Fault
    skip: int = 0


class FaultProxy:
    """``seen`` are the requests, in order; ``on_request`` runs before one is passed on."""

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target)
        self.planned: deque[Planned] = deque()
        self.seen: list[str] = []
        self.silence = threading.Event()
        self._lock = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self) -> None:
                proxy._answer(self)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_one  # noqa: N815 - http.server's names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def plan(self, method: str, path: str, *faults: Fault, skip: int = 0) -> None:
        """Each fault for one request whose path holds ``path``."""
        self.planned.extend(Planned(method, path, fault, skip if i == 0 else 0) for i, fault in enumerate(faults))

    @contextmanager
    def running(self) -> Iterator[FaultProxy]:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            self.silence.set()
            self._server.shutdown()
            self._server.server_close()

    def _fault(self, method: str, path: str) -> Fault | None:
        with self._lock:
            self.seen.append(f"{method} {path}")
            for planned in self.planned:
                if planned.method == method and planned.path in path:
                    if planned.skip:
                        planned.skip -= 1
                        return None
                    self.planned.remove(planned)
                    return planned.fault
        return None

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("content-length") or 0))
        fault = self._fault(request.command, request.path)
        if fault in (Fault.ERROR_BEFORE, Fault.HTML_BEFORE, Fault.UNAUTHORIZED):
            _send(request, *_ANSWERS[fault])
            return
        answer = self._forward(request, body)
        if fault is Fault.DOUBLE_ERROR:
            self._forward(request, body)
        if fault in (Fault.ERROR_AFTER, Fault.DOUBLE_ERROR, Fault.HTML_AFTER):
            _send(request, *_ANSWERS[fault])
        elif fault is Fault.SILENCE_AFTER:
            self.silence.wait(30)
            request.close_connection = True
        elif fault is Fault.CUT_AFTER:
            request.close_connection = True
        else:
            _send(request, *answer)

    def _forward(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, str, bytes]:
        connection = http.client.HTTPConnection(self.target.hostname or "", self.target.port, timeout=120)
        headers = {
            k: v for k, v in request.headers.items() if k.lower() not in ("host", "connection", "accept-encoding")
        }
        connection.request(request.command, request.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.getheader("content-type") or "", content


_PAGE = ("text/html", b"<html><body>Bad gateway</body></html>")
_ANSWERS = {
    Fault.ERROR_BEFORE: (500, *_PAGE),
    Fault.ERROR_AFTER: (500, *_PAGE),
    Fault.DOUBLE_ERROR: (500, *_PAGE),
    Fault.HTML_BEFORE: (200, *_PAGE),
    Fault.HTML_AFTER: (200, *_PAGE),
    Fault.UNAUTHORIZED: (401, "application/json", b'{"detail": "Invalid token."}'),
}


def _send(request: BaseHTTPRequestHandler, status: int, kind: str, body: bytes) -> None:
    request.send_response(status)
    request.send_header("Content-Type", kind)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)
