"""The whole API over a farm in hand: Flask's own client, a folder of artifacts, a token."""

from __future__ import annotations

import copy
import functools
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from flask.testing import FlaskClient
from flask_openapi import OpenAPI
from werkzeug.test import TestResponse

from coordinator.api.app import bare_app, make_parts, with_parts
from coordinator.api.parts import Parts
from coordinator.api.streams import Streams
from reelyard.clock import SystemClock
from reelyard.settings import Settings
from reelyard.storage.disk import DiskStore
from tests.support.farm_in_hand import FarmInHand, sqlite

YAML = "application/yaml"
SCRIPT = """\
title: Two scenes
scenes:
  - picture: a red circle moving right
    say: One red circle.
  - picture: a blue square
    seconds: 2
"""


@dataclass
class ApiInHand:
    """`get`, `post` and so on send the token; `bare` sends nothing of its own."""

    farm: FarmInHand
    parts: Parts
    bare: FlaskClient
    store: DiskStore
    token: str = field(repr=False)

    @property
    def authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def open(self, method: str, path: str, **what: Any) -> TestResponse:
        headers = {**self.authorization, **what.pop("headers", {})}
        place = path if path.startswith("/api") or path == "/" else f"/api/v1{path}"
        return self.bare.open(place, method=method, headers=headers, **what)

    def get(self, path: str, **what: Any) -> TestResponse:
        return self.open("GET", path, **what)

    def post(self, path: str, **what: Any) -> TestResponse:
        return self.open("POST", path, **what)

    def submit(
        self, source: str | bytes = SCRIPT, media_type: str = YAML, **what: Any
    ) -> TestResponse:
        query = what.pop("query", "")
        return self.post(f"/jobs{query}", data=source, content_type=media_type, **what)

    def submitted(self, source: str = SCRIPT, **what: Any) -> str:
        """The id of a job that was taken."""
        answer = self.submit(source, what.pop("media_type", YAML), **what)
        assert answer.status_code == 202, answer.text
        return str(answer.get_json()["job"]["id"])

    def kept(self, folder: Path, content: bytes, name: str, media_type: str) -> str:
        """A file in the store; its hash."""
        path = folder / "to-keep"
        path.write_bytes(content)
        return self.store.put(path, name, media_type).sha256


def api_in_hand(folder: Path, url: str = "", **settings: Any) -> ApiInHand:
    """On the empty database at `url`, else on a fresh SQLite file; limits by `settings`."""
    farm = FarmInHand(url) if url else sqlite(folder)
    given = Settings(state=folder / "state", **settings)
    store = DiskStore(folder / "artifacts")
    parts = make_parts(given, farm.database, store, farm.intake, farm.catalog, farm.clock)
    # Streams look every so often by a real clock: one that is told the time would run away.
    real = Streams(parts.story.after, parts.story.last, SystemClock())
    parts = replace(parts, streams=real)
    token = parts.tokens.create("anna").secret
    return ApiInHand(farm, parts, served(parts).test_client(), store, token)


def served(parts: Parts) -> OpenAPI:
    """As `with_parts`, but for describing every address again, which takes longer than a test."""
    with patch("coordinator.api.app.bare_app", _bare):
        return with_parts(parts)


def _bare() -> OpenAPI:
    """A copy, as far as `with_parts` changes it."""
    app = copy.copy(_described())
    app.config, app.extensions = copy.copy(app.config), dict(app.extensions)
    app.before_request_funcs = copy.deepcopy(app.before_request_funcs)
    app.after_request_funcs = copy.deepcopy(app.after_request_funcs)
    return app


@functools.cache
def _described() -> OpenAPI:
    return bare_app()


def problem(answer: TestResponse, status: int) -> dict[str, Any]:
    """The problem document of an answer, held to its form."""
    assert answer.status_code == status, (answer.status_code, answer.text)
    assert answer.mimetype == "application/problem+json"
    found: dict[str, Any] = json.loads(answer.data)
    assert found["status"] == status and found["title"] and found["detail"]
    assert "Traceback" not in answer.text
    return found
