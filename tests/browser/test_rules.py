"""The house rules in a real Chromium: everybody can read and edit them, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from reelyard.rules.text import EXAMPLE
from tests.browser.conftest import PATIENCE_MS, Watch
from tests.browser.test_pages import violations
from tests.support.dashboard_server import Served

pytestmark = pytest.mark.browser


def edit(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/rules/edit")
    page.locator("#verdict .verdict").wait_for()


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_nobody_is_shut_out(
    new_page: Callable[..., Page], served: Served, theme: str, width: int
) -> None:
    page = new_page(width, color_scheme=theme, reduced_motion="reduce")
    page.goto(f"{served.url}/rules")
    page.wait_for_selector("html[data-live=on]", state="attached")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    edit(page, served)
    page.locator("#source").fill("[owners.anna]\nwieght = 2\nweight = -1\n")
    expect(page.locator("#verdict")).to_contain_text("2 problems", timeout=PATIENCE_MS)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_keys_lead_to_the_rules(page: Page, served: Served) -> None:
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/rules")
    expect(page.locator("nav.tabs [aria-current]")).to_have_text("Rules")


def test_from_a_mistake_to_rules_in_force(page: Page, served: Served) -> None:
    edit(page, served)
    expect(page.locator("#verdict")).to_contain_text("Nothing would be different")
    page.locator("#source").fill(EXAMPLE.replace("power_cap = 0.7", "power_cap = 7"))
    line = page.get_by_role("button", name="line 35")
    expect(line).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("#gutter mark")).to_have_text("35")
    line.click()
    chosen = "s => s.value.slice(s.selectionStart, s.selectionEnd)"
    assert page.locator("#source").evaluate(chosen).startswith("power_cap = 7")
    page.locator("#source").fill(EXAMPLE.replace("power_cap = 0.7", "power_cap = 0.6"))
    expect(page.locator("#verdict")).to_contain_text("power_cap is 0.6", timeout=PATIENCE_MS)
    page.get_by_role("button", name="Put in force").click()
    page.wait_for_url("**/rules")
    expect(page.locator("#rules")).to_contain_text("at most 60% of the power limit")
    assert len(served.farm.revisions) == 3


def test_who_was_slower_keeps_the_text_and_decides(
    page: Page, served: Served, watch: Watch
) -> None:
    watch.expected = ("status of 409",)
    edit(page, served)
    page.locator("#source").fill("preempt = false\n")
    expect(page.locator("#verdict")).to_contain_text("preempt is off", timeout=PATIENCE_MS)
    served.farm.put_rules("", 2)
    page.get_by_role("button", name="Put in force").click()
    expect(page.locator("#verdict")).to_contain_text("Somebody was faster", timeout=PATIENCE_MS)
    assert page.locator("#source").input_value() == "preempt = false\n"
    assert violations(page) == []
    page.get_by_role("button", name="Put mine in force instead").click()
    page.wait_for_url("**/rules")
    assert served.farm.revisions[-1][2] == "preempt = false\n"


def test_leaving_with_changes_asks_first(page: Page, served: Served) -> None:
    edit(page, served)
    page.locator("#source").click()
    page.keyboard.type("# ")
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.locator("nav.tabs a").first.click()
    page.wait_for_url(f"{served.url}/")
    assert asked == ["beforeunload"]


def test_the_page_follows_what_others_change(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/rules")
    page.wait_for_selector("html[data-live=on]", state="attached")
    served.farm.put_rules("preempt = false\n", 2)
    served.farm.tell("rules.changed", "House rules changed by anna: preempt is off (was on).")
    expect(page.locator("#rules")).to_contain_text("revision 3", timeout=PATIENCE_MS)
    expect(page.locator("#rules")).to_contain_text("what runs is never stopped for others")
