"""What hands do: keys, typing a script, dropping a file, sending it, signing in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from dashboard.present.script import EXAMPLES
from tests.browser.conftest import PATIENCE_MS, Watch
from tests.support.dashboard_server import Served
from tests.support.played_farm import TOKEN
from tests.support.played_season import DONE, RUNNING

pytestmark = pytest.mark.browser


def test_keys_lead_everywhere(page: Page, served: Served) -> None:
    page.keyboard.press("g")
    page.keyboard.press("j")
    page.wait_for_url("**/jobs")
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("harbour")
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs?q=harbour")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/jobs/{DONE}")
    page.keyboard.press("g")
    page.keyboard.press("w")
    page.wait_for_url("**/workers")
    page.keyboard.press("/")
    page.wait_for_url("**/jobs#search")
    page.keyboard.press("Escape")
    page.locator("#search").blur()
    page.keyboard.press("n")
    page.wait_for_url("**/new")
    page.locator("h1").click()
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.wait_for_url(served.url + "/")


def test_rows_are_walked_with_j_and_k(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/jobs")
    rows = page.locator(".job-row")
    page.keyboard.press("j")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(rows.nth(1)).to_be_focused()
    assert rows.nth(1).evaluate("e => getComputedStyle(e).outlineStyle") == "solid"


def test_help_opens_and_closes(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()


def test_keys_are_letters_while_somebody_types(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/new")
    page.locator("#source").fill("")
    page.locator("#source").press_sequentially("njt?/g")
    assert page.locator("#source").input_value() == "njt?/g"
    assert page.url.endswith("/new")


def test_a_script_is_checked_while_it_is_typed_and_then_sent(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/new")
    source, verdict = page.locator("#source"), page.locator("#verdict")
    source.fill("title: A\nsize: huge\nscenes:\n  - pictur: a boat\n")
    expect(verdict).to_contain_text("line 2", timeout=PATIENCE_MS)
    expect(verdict).to_contain_text("line 4")
    expect(page.locator("#gutter mark")).to_have_count(2)
    verdict.get_by_role("button", name="line 4").first.click()
    assert source.evaluate("e => e.value.slice(e.selectionStart, e.selectionEnd)") == (
        "  - pictur: a boat"
    )
    source.fill(EXAMPLES["yaml"])
    expect(verdict).to_contain_text("Ready to render", timeout=PATIENCE_MS)
    page.get_by_label("Priority").fill("80")
    page.get_by_role("button", name="Make the film").click()
    page.wait_for_url("**/jobs/job-new2345678")
    ((sent, media_type, _, priority),) = served.farm.submissions
    assert (sent.decode(), media_type, priority) == (EXAMPLES["yaml"], "application/yaml", 80)
    page.goto(f"{served.url}/new")
    assert page.locator("#source").input_value() == ""


def test_a_wrong_script_is_not_sent_and_says_why(page: Page, served: Served, watch: Watch) -> None:
    watch.expected = ("422",)
    page.goto(f"{served.url}/new")
    page.locator("#source").fill("scenes: []\n")
    page.get_by_role("button", name="Make the film").click()
    expect(page.locator("#verdict")).to_contain_text("1 problem", timeout=PATIENCE_MS)
    assert page.url.endswith("/new")
    assert served.farm.submissions == []


def test_a_draft_survives_a_reload(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/new")
    page.locator("#source").fill("A boat on the sea.")
    page.locator("#kind").select_option("plain")
    page.reload()
    assert page.locator("#source").input_value() == "A boat on the sea."
    assert page.locator("#kind").input_value() == "plain"
    expect(page.locator("#verdict")).to_contain_text("Read as plain script", timeout=PATIENCE_MS)


def test_a_file_is_opened_and_a_file_is_dropped(page: Page, served: Served, tmp_path: Path) -> None:
    page.goto(f"{served.url}/new")
    script = tmp_path / "night.txt"
    script.write_text(EXAMPLES["plain"])
    page.locator("#file").set_input_files(script)
    expect(page.locator("#source")).to_have_value(EXAMPLES["plain"])
    expect(page.locator("#verdict")).to_contain_text("Ready to render", timeout=PATIENCE_MS)
    transfer = page.evaluate_handle(
        """() => { const t = new DataTransfer();
            t.items.add(new File(["title: Dropped\\nscenes:\\n  - picture: a boat\\n"], "d.yaml"));
            return t; }"""
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})
    expect(page.locator("#source")).to_have_value("title: Dropped\nscenes:\n  - picture: a boat\n")
    assert page.locator("#kind").input_value() == "yaml"


def test_an_id_is_copied_with_a_click(new_page: Callable[..., Page], served: Served) -> None:
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"{served.url}/jobs/{RUNNING}")
    page.get_by_role("button", name=RUNNING).click()
    expect(page.locator("#toast")).to_have_text(f"Copied {RUNNING}")
    assert page.evaluate("navigator.clipboard.readText()") == RUNNING


def test_somebody_signs_in_by_hand(page: Page, served: Served, watch: Watch) -> None:
    watch.expected = ("401",)
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{served.url}/jobs/{RUNNING}")
    token = page.get_by_label("Token of this farm")
    token.fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert").last).to_contain_text("not a token of this farm")
    token.fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**/jobs/{RUNNING}")


def test_a_phone_reaches_every_page_with_a_thumb(
    new_page: Callable[..., Page], served: Served
) -> None:
    page = new_page(390, 844, has_touch=True, is_mobile=True)
    for name, address in (
        ("Jobs", "/jobs"),
        ("Models", "/models"),
        ("Workers", "/workers"),
        ("New film", "/new"),
    ):
        link = page.get_by_role("navigation", name="Main").get_by_role("link", name=name)
        box = link.bounding_box()
        assert box
        assert box["y"] > 700, "the bar is at the thumb's end"
        assert min(box["width"], box["height"]) >= 44
        link.tap()
        page.wait_for_url(f"**{address}")
