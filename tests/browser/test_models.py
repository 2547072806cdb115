"""The page of models and the quote in a real Chromium: rows open, frames scroll, quotes follow."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from dashboard.present.script import EXAMPLES
from tests.browser.conftest import PATIENCE_MS
from tests.browser.test_pages import violations
from tests.support.dashboard_server import Served
from tests.support.played_models import large_matrix

pytestmark = pytest.mark.browser

DONE_AT = re.compile(r"^done about (\w{3} \d+ \w{3,4},? )?\d\d:\d\d$")
TOO_LARGE = "model: hunyuanvideo\nscenes:\n  - picture: a boat\n"


def open_models(page: Page, served: Served, query: str = "") -> None:
    page.goto(f"{served.url}/models{query}")
    page.wait_for_selector("html[data-live=on]", state="attached")


def test_keys_lead_to_a_model_and_back(page: Page, served: Served) -> None:
    page.keyboard.press("g")
    page.keyboard.press("m")
    page.wait_for_url("**/models")
    page.wait_for_selector("html[data-live=on]", state="attached")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#drawer h2")).to_have_text("Wan 2.1 T2V 1.3B")
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()
    assert page.evaluate("document.activeElement.textContent") == "Wan 2.1 T2V 1.3B"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_model_opens_from_anywhere_in_its_row_and_shuts_nobody_out(
    new_page: Callable[..., Page], served: Served, theme: str, width: int
) -> None:
    page = new_page(width, color_scheme=theme, reduced_motion="reduce")
    open_models(page, served)
    page.locator("#fit-hunyuanvideo .fit-shape").click()
    expect(page.locator("#drawer")).to_contain_text("needs 31.2 GiB even with fp8")
    assert violations(page) == []


def test_a_hundred_models_on_twelve_kinds_scroll_inside_their_frame(
    page: Page, served: Served
) -> None:
    served.farm.matrix = large_matrix(100, 12)
    open_models(page, served, "?devices=all")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    frame = page.locator(".fit-frame")
    frame.evaluate("e => { e.scrollTop = 1500; e.scrollLeft = 400; }")
    after = page.locator("#fits tbody th").first.bounding_box()
    head = page.locator("#fits thead th").first.bounding_box()
    place = frame.bounding_box()
    assert after
    assert head
    assert place
    assert after["x"] == pytest.approx(place["x"], abs=2), "names stay at the left"
    assert head["y"] == pytest.approx(place["y"], abs=2), "kinds of device stay on top"


def test_what_a_reader_scrolled_to_stays_when_a_worker_comes(page: Page, served: Served) -> None:
    served.farm.matrix = large_matrix(60, 12)
    open_models(page, served, "?devices=all")
    page.locator(".fit-frame").evaluate("e => { e.scrollTop = 900; }")
    served.farm.matrix = large_matrix(61, 12)
    served.farm.tell("worker.online", "one more")
    expect(page.locator("#fit-choices")).to_contain_text("61", timeout=PATIENCE_MS)
    assert page.locator(".fit-frame").evaluate("e => e.scrollTop") == 900


def test_a_phone_reads_a_list_of_sentences(new_page: Callable[..., Page], served: Served) -> None:
    served.farm.matrix = large_matrix(100, 12)
    page = new_page(390, 844)
    open_models(page, served)
    first = page.locator(".fit-summary").first
    expect(first).to_be_visible()
    expect(first).to_contain_text("soonest")
    expect(page.locator("td.fit").first).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_quote_follows_what_is_typed(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/new")
    source, quote = page.locator("#source"), page.locator("#quote")
    expect(quote).to_contain_text("as you type")
    source.fill(EXAMPLES["yaml"])
    expect(quote.locator(".quote-at")).to_have_text(DONE_AT, timeout=PATIENCE_MS)
    source.fill("scenes:\n  - pictur: a boat\n")
    expect(quote).to_contain_text("once the script has no problem", timeout=PATIENCE_MS)
    expect(quote.locator(".quote-at")).to_have_count(0)
    source.fill(TOO_LARGE)
    expect(page.locator("#verdict")).to_contain_text("No device can run it", timeout=PATIENCE_MS)
    expect(page.locator("#verdict")).to_contain_text("it would fit with 49 frames")
    expect(quote).to_contain_text("needs 31.2, has 23.3 GiB")


def test_assumptions_stay_open_while_somebody_types(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/new")
    page.locator("#source").fill(EXAMPLES["yaml"])
    page.get_by_text("2 assumptions").click()
    expect(page.get_by_text("Nothing else is submitted meanwhile.")).to_be_visible()
    page.locator("#source").fill(EXAMPLES["yaml"].replace("the boats", "all of the boats"))
    expect(page.locator("#quote")).to_contain_text("59 frames", timeout=PATIENCE_MS)
    expect(page.get_by_text("Nothing else is submitted meanwhile.")).to_be_visible()
