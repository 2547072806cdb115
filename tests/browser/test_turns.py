"""Whose turn it is, by hand in a real Chromium: buttons, the form, moments in the reader's zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Watch
from tests.support.dashboard_server import Served
from tests.support.played_season import QUEUED

pytestmark = pytest.mark.browser


def test_held_and_released_from_the_queue(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/queue")
    page.wait_for_selector("html[data-live=on]", state="attached")
    row = page.locator(f"#turn-{QUEUED}")
    row.get_by_role("button", name="Hold").click()
    row.get_by_role("button", name="Release").click()
    row.get_by_role("button", name="Hold").wait_for()
    assert served.farm.steered == [(QUEUED, "hold", ""), (QUEUED, "release", "")]


def test_changed_in_the_form_in_the_readers_zone(
    new_page: Callable[..., Page], served: Served, watch: Watch
) -> None:
    watch.expected = ("422",)
    page = new_page(timezone_id="Asia/Tokyo")
    due = datetime(2099, 1, 1, 7, 30, 59, tzinfo=UTC)
    job = served.farm.jobs_by_id[QUEUED]
    served.farm.put(job.model_copy(update={"deadline": due}))
    page.goto(f"{served.url}/jobs/{QUEUED}")
    page.get_by_role("button", name="Turn").click()
    by, after = page.get_by_label("Due by"), page.get_by_label("Not before")
    by.wait_for()
    assert by.input_value() == "2099-01-01 16:30"
    after.fill("soonish")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("alert").get_by_text("is not a moment").wait_for()
    assert by.input_value() == "2099-01-01 16:30"
    page.get_by_label("Not before").fill("2098-12-31 09:00")
    page.get_by_role("button", name="Save").click()
    page.wait_for_function("!document.getElementById('turn').open")
    ((_, changes),) = served.farm.changes
    assert changes == {"start_after": datetime(2098, 12, 31, tzinfo=UTC).timestamp()}
