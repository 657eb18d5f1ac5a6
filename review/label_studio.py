"""A Label Studio server, through its SDK: nothing else here knows the SDK, or HTTP.

Every call can end in ServerAwayError, after which nobody knows whether the server did it: ask it before trying again.
The SDK's own retries are off, for it repeats an import that the server may have done.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from extractor.errors import MendableError
from models.tables import Purpose

PAGE = 200

# Of a task and, under the same names, of its annotations: predictions, the most of it, are not asked for.
_FIELDS = "id,data,updated_at,annotations,result,was_cancelled,completed_by,lead_time"


class LabelStudioError(MendableError):
    """The server refuses; the message is one line and says what to do."""


class ServerAwayError(LabelStudioError):
    """The server did not answer as Label Studio does: it is away, or overloaded; this may pass by itself."""


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """What the server says of a project."""

    id: int
    title: str
    interface: str
    tasks: int
    model_version: str


@dataclass(frozen=True, slots=True)
class FoundTask:
    """A task found by its key, ``doc_id``; ``checkpoint`` is empty where it shows no prediction."""

    id: int
    doc_id: str
    checkpoint: str
    annotations: int


@dataclass(frozen=True, slots=True)
class ServerAnnotation:
    """An annotation that was submitted or skipped, as it is now."""

    id: int
    result: Any
    skipped: bool
    reviewer_id: int | None
    lead_time: float | None
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class ServerTask:
    id: int
    doc_id: str
    text: str
    checkpoint: str
    changed_at: datetime
    annotations: tuple[ServerAnnotation, ...]


class Server:
    """``key``: a legacy token or a personal access token; ``timeout`` in seconds, of one request."""

    def __init__(self, url: str, key: str, timeout: float = 60) -> None:
        from label_studio_sdk import LabelStudio  # takes a second to load

        self.url = url.rstrip("/")
        with self._explained():
            self._client: Any = LabelStudio(  # type: ignore[no-untyped-call]
                base_url=self.url, api_key=key, timeout=timeout, max_retries=0
            )

    def project(self, project: int) -> ProjectFacts:
        with self._explained():
            return _facts(self._client.projects.get(id=project))

    def find_project(self, title: str) -> ProjectFacts | None:
        """The oldest of exactly that title."""
        with self._explained():
            found = [item.id for item in self._client.projects.list(title=title) if item.title == title]
        return self.project(min(found)) if found else None

    def create_project(self, title: str, interface: str, purpose: Purpose, instruction: str) -> ProjectFacts:
        reviews = purpose is Purpose.REVIEW
        with self._explained():
            created = self._client.projects.create(
                title=title,
                label_config=interface,
                expert_instruction=instruction,
                show_collab_predictions=reviews,
                sampling="Uncertainty sampling" if reviews else "Sequential sampling",
                enable_empty_annotation=True,
            )
        return self.project(created.id)

    def install_interface(self, project: int, interface: str) -> None:
        with self._explained():
            self._client.projects.update(id=project, label_config=interface)

    def set_model_version(self, project: int, checkpoint: str) -> None:
        """Which predictions are shown, and tell Label Studio what is uncertain."""
        with self._explained():
            self._client.projects.update(id=project, model_version=checkpoint)

    def find_tasks(self, project: int, doc_ids: Sequence[str]) -> list[FoundTask]:
        """Oldest first. A key may be there twice: nothing on the server prevents that."""
        query = _query(("data.doc_id", "in_list", "List", list(doc_ids)))
        with self._explained():
            items = self._client.tasks.list(
                project=project, query=query, page_size=2 * max(len(doc_ids), 1), include="id,data,total_annotations"
            )
            return [
                FoundTask(item.id, item.data["doc_id"], item.data.get("checkpoint", ""), item.total_annotations or 0)
                for item in items
            ]

    def import_tasks(self, project: int, tasks: Sequence[dict[str, Any]]) -> list[int]:
        """The new tasks' ids, in the order of ``tasks``."""
        with self._explained():
            answer = self._client.projects.import_tasks(id=project, request=list(tasks), return_task_ids=True)
        if not answer.task_ids or len(answer.task_ids) != len(tasks):
            raise ServerAwayError(f"{self.url} took {answer.task_count} of {len(tasks)} tasks: look at its log")
        return list(answer.task_ids)

    def delete_task(self, task: int) -> None:
        with self._explained():
            self._client.tasks.delete(id=str(task))

    def changed_tasks(self, project: int, since: datetime | None) -> Iterator[list[ServerTask]]:
        """Pages of tasks that changed after ``since``, by id: one that changes meanwhile cannot push another out."""
        last = 0
        while page := self._page(project, since, last):
            yield page
            last = page[-1].id

    def task_ids(self, project: int) -> set[int]:
        with self._explained():
            items = self._client.tasks.list(project=project, page_size=1000, include="id")
            return {item.id for item in items}

    def reviewers(self) -> dict[int, str]:
        """Addresses by the server's ids."""
        with self._explained():
            return {user.id: user.email for user in self._client.users.list()}

    def _page(self, project: int, since: datetime | None, after: int) -> list[ServerTask]:
        filters: list[_Filter] = [("id", "greater", "Number", after)]
        if since:  # the server answers 500 where the offset is written +00:00
            filters.append(("updated_at", "greater", "Datetime", since.strftime("%Y-%m-%dT%H:%M:%S.%fZ")))
        with self._explained():
            items = self._client.tasks.list(
                project=project,
                query=_query(*filters),
                page=1,
                page_size=PAGE,
                fields="all",
                include=_FIELDS,
            ).items
            return [_task(item.model_dump()) for item in items or []]

    @contextmanager
    def _explained(self) -> Iterator[None]:
        import httpx
        from label_studio_sdk.core.api_error import ApiError
        from label_studio_sdk.core.parse_error import ParsingError
        from pydantic import ValidationError

        try:
            yield
        except ApiError as error:
            raise self._refusal(error.status_code or 0, error.body) from error
        except (httpx.TransportError, httpx.TimeoutException) as error:
            raise ServerAwayError(
                f"{self.url} does not answer ({type(error).__name__}): see that it runs and that the address is right"
            ) from error
        except (AttributeError, KeyError, ParsingError, TypeError, ValidationError) as error:
            raise ServerAwayError(
                f"{self.url} answers something that is not Label Studio's ({type(error).__name__}): "
                "see that the address is right and nothing stands in between"
            ) from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise LabelStudioError(f"{self.url} is no address: set LABEL_STUDIO_URL to http://host:port") from error

    def _refusal(self, status: int, body: object) -> LabelStudioError:
        if status in (401, 403):
            return LabelStudioError(
                f"{self.url} refuses the key ({status}): set LABEL_STUDIO_API_KEY to one that it knows"
            )
        if status == 404:
            return LabelStudioError(
                f"{self.url} does not have it (404): was the project deleted? run extractor review setup"
            )
        if 400 <= status < 500 and status not in (408, 429) and isinstance(body, dict):
            reason = " ".join(str(body.get("validation_errors") or body.get("detail") or body).split())
            return LabelStudioError(f"{self.url} refuses ({status}): {reason[:300]}")
        return ServerAwayError(f"{self.url} answers {status} and no more: look at its log, then run again")


_Filter = tuple[str, str, str, Any]


def _query(*filters: _Filter) -> str:
    items = [
        {"filter": f"filter:tasks:{name}", "operator": operator, "type": kind, "value": value}
        for name, operator, kind, value in filters
    ]
    return json.dumps({"filters": {"conjunction": "and", "items": items}, "ordering": ["tasks:id"]})


def _facts(project: Any) -> ProjectFacts:
    return ProjectFacts(
        project.id, project.title, project.label_config, project.task_number or 0, project.model_version or ""
    )


def _task(item: dict[str, Any]) -> ServerTask:
    data = item["data"]
    return ServerTask(
        item["id"],
        data.get("doc_id", ""),
        data.get("text", ""),
        data.get("checkpoint", ""),
        _time(item["updated_at"]),
        tuple(map(_annotation, item["annotations"] or [])),
    )


def _annotation(item: dict[str, Any]) -> ServerAnnotation:
    who = item.get("completed_by")
    return ServerAnnotation(
        item["id"],
        item["result"],
        bool(item.get("was_cancelled")),
        who["id"] if isinstance(who, dict) else who,
        item.get("lead_time"),
        _time(item["updated_at"]),
    )


def _time(value: datetime | str) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
