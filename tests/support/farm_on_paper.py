"""A farm that answers from a script: what a client sends is written down, what it gets is given."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
from pydantic import BaseModel

Answer = httpx2.Response | Exception | Callable[[httpx2.Request], httpx2.Response]

AT = "2026-11-25T08:00:00Z"


def job(job_id: str = "job-abc", **fields: Any) -> dict[str, Any]:
    """A job as the API shows it."""
    return {
        "id": job_id,
        "title": "The Lighthouse",
        "state": "queued",
        "owner": "anna",
        "priority": 50,
        "scenes": 1,
        "created_at": AT,
        "storyboard": {},
        **fields,
    }


def task(role: str, job_id: str = "job-abc", **fields: Any) -> dict[str, Any]:
    """A task as the API shows it."""
    return {
        "id": f"{job_id}.{role}",
        "job_id": job_id,
        "kind": "voice",
        "scene": 0,
        "role": role,
        "label": f"Scene 1 - {role}",
        "state": "waiting",
        "created_at": AT,
        **fields,
    }


def submitted(job_id: str = "job-abc", **fields: Any) -> dict[str, Any]:
    """The answer to a submission."""
    return {
        "job": job(job_id),
        "created": True,
        "is_possible": True,
        "because": "every task fits one of 1 device(s)",
        "queue_position": 1,
        **fields,
    }


def event(seq: int, kind: str = "task.progress", **fields: Any) -> dict[str, Any]:
    """Something that happened."""
    return {"seq": seq, "at": AT, "type": kind, "sentence": f"number {seq}", **fields}


def stream(*events: dict[str, Any]) -> httpx2.Response:
    """Events as a text/event-stream that ends then."""
    text = ": hello\n\n" + "".join(f"id: {e['seq']}\ndata: {json.dumps(e)}\n\n" for e in events)
    return httpx2.Response(200, text=text, headers={"Content-Type": "text/event-stream"})


def problem(status: int, detail: str, **fields: Any) -> httpx2.Response:
    """problem+json"""
    content = {"title": "x", "status": status, "detail": detail, **fields}
    headers = {"Content-Type": "application/problem+json"}
    return httpx2.Response(status, json=content, headers=headers)


def good(content: dict[str, Any] | BaseModel) -> httpx2.Response:
    """200 with a resource."""
    data = content.model_dump(mode="json") if isinstance(content, BaseModel) else content
    return httpx2.Response(200, json=data)


@dataclass
class FarmOnPaper(httpx2.BaseTransport):
    """Answers `METHOD /path` from its list; the last answer is given again and again."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[httpx2.Request] = field(default_factory=list)

    def on(self, what: str, *answers: Answer) -> FarmOnPaper:
        """From now on this is answered so."""
        self.answers[what] = list(answers)
        return self

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.read()
        self.asked.append(request)
        path = request.url.path.removeprefix("/api/v1")
        waiting = self.answers.get(f"{request.method} {path}")
        if waiting is None:
            return problem(404, f"there is no {path}")
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(answer, Exception):
            raise answer
        said = answer(request) if callable(answer) else answer
        body = httpx2.ByteStream(said.content)
        return httpx2.Response(said.status_code, headers=said.headers, stream=body)

    def of(self, what: str) -> Iterator[httpx2.Request]:
        """The requests for `METHOD /path`."""
        method, _, path = what.partition(" ")
        return (r for r in self.asked if r.method == method and r.url.path == f"/api/v1{path}")
