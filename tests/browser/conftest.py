"""A Chromium, a dashboard in front of a played farm, and a page that must not complain."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.support.chromium import LAUNCH
from tests.support.dashboard_server import Served, dashboard_of
from tests.support.played_season import played_farm
from tests.support.services import needs_program

PATIENCE_MS = 30_000


@dataclass
class Watch:
    """What a page must not do: complain, or ask anybody but its own host."""

    url: str
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()

    def over(self, page: Page) -> None:
        page.on("console", lambda said: self._heard(said.type, said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not any(part in text for part in self.expected):
            self.complaints.append(f"{kind}: {text}")

    def elsewhere(self) -> list[str]:
        own = urlsplit(self.url).netloc
        return [
            address
            for address in self.asked
            if not address.startswith("data:") and urlsplit(address).netloc != own
        ]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = needs_program("chromium", "chromium-browser", "google-chrome")
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=program, **LAUNCH)
        yield opened
        opened.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with dashboard_of(played_farm(time.time()), tmp_path) as dashboard:
        yield dashboard


@pytest.fixture
def watch(served: Served) -> Iterator[Watch]:
    watching = Watch(served.url)
    yield watching
    assert watching.complaints == []
    assert watching.elsewhere() == []


@pytest.fixture
def new_page(browser: Browser, served: Served, watch: Watch) -> Iterator[Callable[..., Page]]:
    """Makes pages that are signed in; each may have its own size and taste."""
    contexts: list[BrowserContext] = []

    def make(width: int = 1280, height: int = 860, **taste: object) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **taste)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        watch.over(page)
        page.goto(served.door)
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page()
