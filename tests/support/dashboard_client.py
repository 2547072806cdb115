"""The dashboard without a server: requests to its app, and a look at the HTML that comes back."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard.app import make_app
from reelyard.clock import SystemClock
from reelyard.settings import read_settings
from tests.support.played_farm import TOKEN, PlayedFarm, doors

PROOF = re.compile(r'name="proof" value="([^"]+)"')


def stranger_at(farm: PlayedFarm, state: Path, most_streams: int = 8) -> FlaskClient:
    """Somebody who is not signed in."""
    app = make_app(read_settings(state=state), SystemClock(), doors(farm), most_streams)
    return app.test_client()


def guest_of(farm: PlayedFarm, state: Path, most_streams: int = 8) -> FlaskClient:
    """Somebody who came by the link with the token."""
    client = stranger_at(farm, state, most_streams)
    assert client.get(f"/?token={TOKEN}").status_code == 303
    return client


def proof_of(client: FlaskClient) -> str:
    """What forms of this session carry."""
    found = PROOF.search(client.get("/jobs").text) or PROOF.search(client.get("/sign-in").text)
    assert found
    return found[1]


class Seen(HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self, answer: TestResponse | str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(answer if isinstance(answer, str) else answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        """As a reader sees it, in one line."""
        return " ".join(" ".join(self.texts).split())

    def all(self, name: str) -> list[dict[str, str | None]]:
        """The attributes of every such tag."""
        return [attributes for tag, attributes in self.tags if tag == name]
