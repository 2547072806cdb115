"""Every page in a real Chromium: it loads, fits, shuts nobody out, and runs nothing odd."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.support.dashboard_server import Served
from tests.support.played_jobs import HOSTILE
from tests.support.played_season import DONE, FAILED, ODD, QUEUED, RUNNING
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser

AXE = Path(__file__).parent / "axe" / "axe.min.js"
PAGES = {
    "overview": "/",
    "jobs": "/jobs",
    "running": f"/jobs/{RUNNING}",
    "done": f"/jobs/{DONE}",
    "failed": f"/jobs/{FAILED}",
    "odd": f"/jobs/{ODD}",
    "task": f"/tasks/{QUEUED}.s01.video1",
    "models": "/models",
    "every-device": "/models?devices=all",
    "model": "/models/wan2.1-t2v-1.3b",
    "queue": "/queue",
    "workers": "/workers",
    "new": "/new",
}
LIVE = [name for name in PAGES if name not in ("task", "model")]


def visit(page: Page, served: Served, name: str) -> None:
    page.goto(served.url + PAGES[name])
    if name in LIVE:
        page.wait_for_selector("html[data-live=on]", state="attached")
    page.wait_for_load_state("load")


def test_every_page_loads_without_a_complaint(page: Page, served: Served) -> None:
    for name in PAGES:
        visit(page, served, name)
        assert page.locator("h1, h2").first.inner_text()
        assert page.evaluate("document.fonts.ready.then(() => document.fonts.check('14px Inter'))")


def test_no_page_is_wider_than_a_phone(new_page: Callable[..., Page], served: Served) -> None:
    page = new_page(390, 844)
    for name in PAGES:
        visit(page, served, name)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, (name, page.evaluate(TOO_WIDE))


TOO_WIDE = """[...document.querySelectorAll("body *")]
    .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
    .map((e) => e.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("width", [1280, 390])
def test_nobody_is_shut_out(new_page: Callable[..., Page], served: Served, width: int) -> None:
    page = new_page(width, reduced_motion="reduce")
    for name in PAGES:
        visit(page, served, name)
        if name == "new":
            page.get_by_role("button", name="Example: YAML").click()
            page.wait_for_selector(".quote-done")
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            assert violations(page) == [], (name, theme)


def test_dialogs_shut_nobody_out(new_page: Callable[..., Page], served: Served) -> None:
    page = new_page(reduced_motion="reduce")
    visit(page, served, "running")
    page.locator(".cell").nth(1).click()
    page.wait_for_selector("#drawer .task")
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Cancel…").click()
    page.get_by_role("button", name="Keep it").wait_for()
    assert violations(page) == []
    page.get_by_role("button", name="Keep it").click()
    page.keyboard.press("?")
    assert violations(page) == []


def test_the_door_shuts_nobody_out(new_page: Callable[..., Page], served: Served) -> None:
    page = new_page()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Token of this farm").wait_for()
    assert violations(page) == []


def violations(page: Page) -> list[str]:
    """What axe-core finds, by the rules of WCAG 2.2 AA and of good practice."""
    # Into the page's own world by the debugger: the page's policy forbids it to scripts.
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate(RUN_AXE)
    return [
        f"{item['id']}: {node['html'][:160]} {node['failureSummary'][:240]}"
        for item in found
        for node in item["nodes"]
    ]


RUN_AXE = """axe.run(document, {resultTypes: ["violations"]}).then((all) => all.violations)"""
"""What is well stays in the browser: to hand it over takes longer than to look."""


def test_what_people_write_stays_text(page: Page, served: Served) -> None:
    opened: list[str] = []
    page.on("dialog", lambda dialog: (opened.append(dialog.message), dialog.dismiss()))
    visit(page, served, "odd")
    assert page.locator("h1").inner_text() == HOSTILE
    served.farm.put(served.farm.job(ODD), "again <img src=x onerror=alert(2)>")
    page.get_by_text("again <img src=x onerror=alert(2)>").wait_for()
    page.locator(".cell").nth(1).click()
    page.locator("#drawer h2", has_text="<script>alert(1)</script>").wait_for()
    assert opened == []


def test_the_theme_is_the_systems_until_somebody_chooses(
    new_page: Callable[..., Page], served: Served
) -> None:
    page = new_page(color_scheme="dark")
    visit(page, served, "overview")
    paper = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(paper) == "rgb(13, 16, 20)"
    page.keyboard.press("t")
    assert page.evaluate(paper) == "rgb(246, 247, 249)"
    page.reload()
    assert page.evaluate(paper) == "rgb(246, 247, 249)"
    assert page.get_by_role("button", name="Theme: light").is_visible()
    page.keyboard.press("t")
    page.keyboard.press("t")
    assert page.get_by_role("button", name="Theme: automatic").is_visible()
    assert page.evaluate(paper) == "rgb(13, 16, 20)"


def test_times_are_in_the_readers_own_zone(new_page: Callable[..., Page], served: Served) -> None:
    page = new_page(timezone_id="Asia/Kolkata", locale="en-GB")
    visit(page, served, "running")
    written = page.locator("#story time").first
    stamp = written.get_attribute("datetime")
    assert stamp
    there = datetime.fromisoformat(stamp) + timedelta(hours=5, minutes=30)
    assert f"{there:%H:%M}" in written.inner_text()


def test_the_chart_is_drawn_and_follows_the_theme(page: Page, served: Served) -> None:
    visit(page, served, "overview")
    page.locator("#throughput canvas").wait_for()
    drawn = "document.querySelector('#throughput canvas').toDataURL()"
    light = page.evaluate(drawn)
    page.keyboard.press("t")
    page.keyboard.press("t")
    eventually(lambda: page.evaluate(drawn) != light, what="another picture")
