"""Label Studio's ML backend protocol: a reviewer asks for predictions on any task of a project.

What Label Studio 1.23.2 sends, read in its source (`label_studio/ml/api_connector.py`) and seen on the wire:

| request | its body | it expects |
| --- | --- | --- |
| `GET /health` | | 200 within 1 s |
| `POST /setup` | project, labelling interface, a key to its API, which is not read here | `model_version`, within 3 s |
| `POST /predict` | `tasks`, as the API gives them | as many `results`, within 100 s |
| `GET /versions` | | `versions` |

It sends HTTP Basic credentials with each, where the backend's settings hold them.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import logging
from collections.abc import Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from extractor.document import BROKEN, Document, is_storable
from review.interface import is_ours

Predict = Callable[[Document], Mapping[str, Any]]
"""A document to a prediction as Label Studio has it: ``result``, ``score``, ``model_version``."""

_log = logging.getLogger(__name__)


def backend(predict: Predict, checkpoint: Callable[[], str], token: str) -> Starlette:
    """Answers whoever gives the token as the password of HTTP Basic, under any user name.

    ``checkpoint`` is asked for the name of the one in use, each time.

    One task at a time goes through ``predict``, in a thread of its own, so that /health answers meanwhile. A task that
    cannot be read, or that ``predict`` fails on, gets ``{"error": …}`` for its result: Label Studio logs it, stores no
    prediction, and takes the other results.
    """
    turn = asyncio.Lock()

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "UP", "model_class": "extractor"})

    async def setup(request: Request) -> JSONResponse:
        interface = (await _body(request)).get("schema")
        if isinstance(interface, str) and not is_ours(interface):
            raise HTTPException(400, "not our labelling interface: connect a project of `extractor review setup`")
        return JSONResponse({"model_version": await run_in_threadpool(checkpoint)})

    async def versions(_: Request) -> JSONResponse:
        return JSONResponse({"versions": [await run_in_threadpool(checkpoint)]})

    async def suggest(request: Request) -> JSONResponse:
        results: list[Mapping[str, Any]] = []
        for task in await _tasks(request):
            async with turn:
                if await request.is_disconnected():  # Label Studio has given up: nobody would read the rest
                    break
                results.append(await run_in_threadpool(_result, predict, task))
        version = results[-1].get("model_version") if results else None
        return JSONResponse({"results": results, "model_version": version or await run_in_threadpool(checkpoint)})

    return Starlette(
        routes=[
            Route("/health", health),
            Route("/setup", setup, methods=["POST"]),
            Route("/predict", suggest, methods=["POST"]),
            Route("/versions", versions),
        ],
        middleware=[Middleware(_Guard, token=token)],
    )


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError as error:
        raise HTTPException(400, f"not JSON: {error}") from error
    return body if isinstance(body, dict) else {}


async def _tasks(request: Request) -> list[Any]:
    tasks = (await _body(request)).get("tasks")
    if not isinstance(tasks, list):
        raise HTTPException(400, 'no "tasks": send what Label Studio sends to /predict')
    return tasks


def _result(predict: Predict, task: Any) -> Mapping[str, Any]:
    try:
        document = _document(task)
    except ValueError as error:
        return {"error": str(error)}
    try:
        return predict(document)
    except Exception as error:  # noqa: BLE001 - whatever it is, the tasks beside this one get their predictions
        _log.exception("no prediction for task %s", document.id)
        return {"error": f"the tagger failed: {type(error).__name__}"}


def _document(task: Any) -> Document:
    """Raises ValueError where the task holds no text."""
    data = task.get("data") if isinstance(task, dict) else None
    text = data.get("text") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(text, str):
        raise ValueError('the task has no "text" in its data')
    if not is_storable(text):
        raise ValueError(f"the text {BROKEN}")
    return Document(id=str(data.get("doc_id") or task.get("id")), raw=text)


class _Guard:
    """Lets through what carries the token."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._allows(Request(scope).headers.get("authorization", "")):
            answer = JSONResponse({"error": "the password is not the token"}, 401, {"WWW-Authenticate": "Basic"})
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _allows(self, authorization: str) -> bool:
        scheme, _, credentials = authorization.partition(" ")
        try:
            _user, _, password = base64.b64decode(credentials, validate=True).partition(b":")
        except (binascii.Error, ValueError):
            return False
        return scheme.lower() == "basic" and hmac.compare_digest(password, self._token)
