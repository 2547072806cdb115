"""What happens on the farm reaches the page by itself; nothing a reader does is undone by it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from reelyard.states import TaskState
from tests.browser.conftest import PATIENCE_MS, Watch
from tests.support.dashboard_server import Served, dashboard_of
from tests.support.played_season import DONE, FAILED, RUNNING
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser

BUSY = f"{RUNNING}.s03.video1"
CELL = f"#cell-{BUSY.replace('.', '-')}"


def live(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("html[data-live=on]", state="attached")


def shows(page: Page, selector: str, text: str) -> None:
    expect(page.locator(selector)).to_contain_text(text, timeout=PATIENCE_MS)


def becomes(page: Page, expression: str) -> None:
    """Asked by the debugger: the page's policy forbids scripts that are made of text."""
    eventually(lambda: page.evaluate(expression), what=expression)


def test_a_step_reaches_the_page(page: Page, served: Served) -> None:
    live(page, f"{served.url}/jobs/{RUNNING}")
    shows(page, CELL, "31/50")
    served.farm.put_task(BUSY, step=44, progress=0.8)
    shows(page, CELL, "44/50")
    served.farm.put_task(BUSY, state=TaskState.DONE, seconds=51.2)
    shows(page, CELL, "51.2 s")
    assert page.locator(f"{CELL} use").first.get_attribute("href") == "#i-check"


def test_all_tabs_are_told_and_the_farm_is_asked_once(
    new_page: Callable[..., Page], served: Served
) -> None:
    pages = [new_page() for _ in range(3)]
    for page in pages:
        live(page, f"{served.url}/jobs/{RUNNING}")
    eventually(lambda: served.streams == 3, what="three streams")
    served.farm.put_task(BUSY, step=45)
    for page in pages:
        shows(page, CELL, "45/50")
    assert served.farm.followers == 1


def test_a_tab_that_goes_gives_its_seat_back(new_page: Callable[..., Page], served: Served) -> None:
    page = new_page()
    live(page, f"{served.url}/workers")
    eventually(lambda: served.streams == 1, what="a stream")
    page.close()
    eventually(lambda: served.streams == 0, what="no stream")


def test_focus_and_open_details_survive_a_change(page: Page, served: Served) -> None:
    live(page, f"{served.url}/jobs/{FAILED}")
    page.get_by_text("What the engine said").click()
    page.locator(".cell").nth(1).focus()
    job = served.farm.job(FAILED)
    served.farm.put(job.model_copy(update={"warnings": ["something new"]}), "A new line")
    shows(page, "#job-trouble", "something new")
    shows(page, "#story", "A new line")
    assert page.locator("#job-trouble details").get_attribute("open") is not None
    assert page.evaluate("document.activeElement.className").startswith("cell")


def test_a_film_goes_on_playing_while_the_page_changes(page: Page, served: Served) -> None:
    live(page, f"{served.url}/jobs/{DONE}")
    becomes(page, "document.querySelector('#player').readyState >= 1")
    page.evaluate("document.querySelector('#player').dataset.kept = 'the same'")
    served.farm.put(served.farm.job(DONE), "A new line")
    shows(page, "#story", "A new line")
    assert page.locator("#player").get_attribute("data-kept") == "the same"


def test_the_player_has_a_film_a_poster_and_subtitles(page: Page, served: Served) -> None:
    live(page, f"{served.url}/jobs/{DONE}")
    becomes(page, "document.querySelector('#player').readyState >= 1")
    assert page.evaluate("document.querySelector('#player').duration") == pytest.approx(4, abs=0.1)
    becomes(page, "document.querySelector('#player').textTracks[0]?.cues?.length === 2")
    assert page.evaluate("document.querySelector('#player').textTracks[0].mode") == "showing"
    page.evaluate("document.querySelector('#player').currentTime = 3")
    becomes(page, "!document.querySelector('#player').seeking")


def test_the_tab_shows_how_the_farm_is(page: Page, served: Served) -> None:
    live(page, served.url)
    icon = page.locator("#favicon")
    expect(icon).to_have_attribute("href", served_icon(page, "trouble"))
    del served.farm.jobs_by_id[FAILED]
    served.farm.has_workers = False
    served.farm.tell("job.deleted", "gone")
    expect(icon).to_have_attribute("href", served_icon(page, "busy"), timeout=PATIENCE_MS)


def served_icon(page: Page, state: str) -> str:
    return f"{page.locator('#favicon').get_attribute('data-base')}{state}.svg"


def test_a_farm_that_goes_away_is_said_and_comes_back(page: Page, served: Served) -> None:
    live(page, f"{served.url}/jobs/{RUNNING}")
    served.farm.away = True
    served.farm.tell("x", "x")
    shows(page, "#trouble", "does not answer")
    served.farm.away = False
    expect(page.locator("#trouble")).to_be_empty(timeout=PATIENCE_MS)
    served.farm.put_task(BUSY, step=47)
    shows(page, CELL, "47/50")


def test_a_dashboard_that_was_restarted_is_found_again(
    browser: Browser, tmp_path: Path, served: Served, watch: Watch
) -> None:
    watch.expected = ("ERR_", "htmx:sse:error")
    page = browser.new_page()
    watch.over(page)
    with dashboard_of(served.farm, tmp_path / "again") as before:
        watch.url = before.url
        page.goto(before.door)
        live(page, f"{before.url}/jobs/{RUNNING}")
        port = int(before.url.rsplit(":", 1)[1])
    expect(page.locator("html")).to_have_attribute("data-live", "off", timeout=PATIENCE_MS)
    with dashboard_of(served.farm, tmp_path / "again", port=port):
        expect(page.locator("html")).to_have_attribute("data-live", "on", timeout=2 * PATIENCE_MS)
        served.farm.put_task(BUSY, step=46)
        shows(page, CELL, "46/50")
        page.context.close()


def test_a_page_without_a_seat_polls(
    browser: Browser, tmp_path: Path, served: Served, watch: Watch
) -> None:
    watch.expected = ("503",)
    with dashboard_of(served.farm, tmp_path / "full", most_streams=0) as full:
        page = browser.new_page()
        watch.url = full.url
        watch.over(page)
        page.goto(full.door)
        page.goto(f"{full.url}/jobs/{RUNNING}")
        shows(page, "#polling", "looks again every few seconds")
        served.farm.put_task(BUSY, step=48)
        shows(page, CELL, "48/50")
        page.context.close()


def test_a_cancel_is_asked_about_and_then_shown(page: Page, served: Served) -> None:
    live(page, f"{served.url}/jobs/{RUNNING}")
    page.get_by_role("button", name="Cancel…").click()
    shows(page, "#cancel", "2 running tasks will be stopped")
    page.get_by_label("Why?").fill("the wrong voice")
    page.get_by_role("button", name="Cancel the job").click()
    shows(page, "#job-head", "cancelled")
    expect(page.locator("#cancel")).to_be_hidden()
    assert served.farm.cancelled == [(RUNNING, "the wrong voice")]


def test_a_task_opens_beside_its_job_and_stays_current(page: Page, served: Served) -> None:
    live(page, f"{served.url}/jobs/{RUNNING}")
    page.locator(CELL).click()
    shows(page, "#drawer", "step 31 of 50")
    served.farm.put_task(BUSY, step=49)
    shows(page, "#drawer", "step 49 of 50")
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()
    assert page.evaluate("document.activeElement.id") == CELL[1:]
