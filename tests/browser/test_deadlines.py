"""Deadlines in a real Chromium: they come after the page, fit a phone, and shut nobody out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from reelyard.risk_views import RiskList
from tests.support.dashboard_server import Served
from tests.support.played_deadlines import every_kind
from tests.support.played_season import DONE, QUEUED, RUNNING

pytestmark = pytest.mark.browser

AXE = Path(__file__).parent / "axe" / "axe.min.js"


@pytest.fixture
def due(served: Served) -> RiskList:
    farm = served.farm
    farm.risks = every_kind(farm.times, RUNNING, QUEUED, DONE)
    return farm.risks


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_in_both_themes(
    new_page: Callable[..., Page], served: Served, due: RiskList, scheme: str
) -> None:
    page = new_page(390, 844, color_scheme=scheme)
    for address in ("/queue", f"/jobs/{RUNNING}"):
        page.goto(served.url + address)
        page.wait_for_selector(f"#due-{RUNNING}, .due-notice")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa']})")
        assert [item["id"] for item in found["violations"]] == []


def test_the_keyboard_finds_each_and_a_button_changes_the_panel(
    page: Page, served: Served, due: RiskList
) -> None:
    held = served.farm.jobs_by_id[QUEUED].model_copy(update={"held_because": "look first"})
    served.farm.put(held)
    page.goto(f"{served.url}/queue")
    page.wait_for_selector(f"#due-{QUEUED}")
    page.wait_for_selector("html[data-live=on]", state="attached")
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.closest('.due-row') !== null")
    served.farm.risks = RiskList(at=due.at, data=due.data[:1])
    page.locator(f"#due-{QUEUED}").get_by_role("button", name="Release").click()
    # Not when it asks again by itself, after twenty seconds.
    page.wait_for_selector(f"#due-{QUEUED}", state="detached", timeout=12_000)
    assert served.farm.steered == [(QUEUED, "release", "")]
    page.wait_for_selector(f"#due-{RUNNING}")


def test_nothing_is_due(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/queue")
    page.locator("#deadlines").get_by_text("Nothing is due").wait_for()
