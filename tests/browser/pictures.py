"""Takes a picture of every page, in both themes and on a phone, from a farm that runs.

    python -m tests.browser.pictures OUT_DIR DASHBOARD_URL TOKEN

Without an address it shows the played farm. Not a test: for people who look, and for the README.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.chromium import LAUNCH
from tests.support.dashboard_server import dashboard_of
from tests.support.played_farm import TOKEN
from tests.support.played_season import played_farm
from tests.support.waiting import eventually

SIZES = {"desktop": (1360, 900), "phone": (390, 844)}


def pages_of(page: Page, url: str) -> dict[str, str]:
    """Every page by name, with the newest job of each state that there is."""
    found = {"overview": "/", "jobs": "/jobs", "queue": "/queue", "rules": "/rules"}
    found |= {"workers": "/workers", "new": "/new"}
    found |= {"models": "/models", "models-all": "/models?devices=all"}
    for state in ("running", "done", "failed", "queued", "cancelled"):
        page.goto(f"{url}/jobs?state={state}")
        row = page.locator(".job-row").first
        if row.count():
            found[f"job-{state}"] = row.get_attribute("href") or "/jobs"
    return found


def take(browser: Browser, out: Path, url: str, token: str) -> None:
    """One file per page, theme and size."""
    for size, (width, height) in SIZES.items():
        for theme in ("light", "dark"):
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if theme == "dark" else "light",
            )
            page = context.new_page()
            page.goto(f"{url}/?token={token}")
            for name, address in pages_of(page, url).items():
                page.goto(url + address)
                page.wait_for_selector("html[data-live=on]")
                if name == "new":
                    page.get_by_role("button", name="Example: YAML").click()
                    page.wait_for_selector(".quote-done")
                if name == "job-done":
                    _until(page, "document.querySelector('#player').readyState >= 2")
                page.wait_for_load_state("load")
                page.screenshot(path=out / f"{name}-{size}-{theme}.png", full_page=True)
            if size == "desktop":
                _details(page, out, url, theme)
            context.close()


def _until(page: Page, expression: str) -> None:
    eventually(lambda: page.evaluate(expression), what=expression)


def _details(page: Page, out: Path, url: str, theme: str) -> None:
    page.goto(f"{url}/jobs")
    page.locator(".job-row").nth(1).click()
    page.locator(".cell").nth(1).click()
    page.wait_for_selector("#drawer .task")
    page.screenshot(path=out / f"task-desktop-{theme}.png")
    page.goto(f"{url}/models")
    page.locator(".fit-table a").first.click()
    page.wait_for_selector("#drawer .model-sheet")
    page.screenshot(path=out / f"model-desktop-{theme}.png")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.screenshot(path=out / f"keys-desktop-{theme}.png")


def main() -> None:
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), **LAUNCH)
        if len(sys.argv) > 3:
            take(browser, out, sys.argv[2].rstrip("/"), sys.argv[3])
        else:
            with (
                tempfile.TemporaryDirectory() as state,
                dashboard_of(played_farm(time.time()), Path(state)) as served,
            ):
                take(browser, out, served.url, TOKEN)
        browser.close()


if __name__ == "__main__":
    main()
