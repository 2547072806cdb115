"""The whole way through the browser: type a script, watch it being made, play the film."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Watch
from tests.support.running_farm import running_farm
from tests.support.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

SCRIPT = """\
title: Through the browser
scenes:
  - picture: a red boat moving right on the sea
    say: A red boat.
"""
LONG_MS = 300_000


def test_a_script_becomes_a_film_in_front_of_somebody(browser: Browser, tmp_path: Path) -> None:
    with running_farm(tmp_path / "farm") as farm:
        described = farm.described()
        token = Path(described["token_file"]).read_text().strip()
        watch = Watch(described["dashboard"])
        page = browser.new_page()
        watch.over(page)
        page.goto(f"{watch.url}/?token={token}")
        assert page.url == f"{watch.url}/"
        page.keyboard.press("n")
        page.wait_for_url("**/new")
        page.locator("#source").fill(SCRIPT)
        expect(page.locator("#verdict")).to_contain_text("Ready to render", timeout=60_000)
        expect(page.locator("#quote")).to_contain_text("done about")
        page.get_by_role("button", name="Make the film").click()
        page.wait_for_url("**/jobs/job-*")
        expect(page.locator("#story")).to_contain_text("runs on", timeout=LONG_MS)
        player = page.locator("#player")
        player.wait_for(timeout=LONG_MS)
        expect(page.locator("#job-head")).to_contain_text("done")
        eventually(lambda: player.evaluate("p => p.readyState >= 1"), 60, "the film is there")
        assert player.evaluate("p => p.duration") > 0.5
        eventually(lambda: player.evaluate("p => p.textTracks[0]?.cues?.length"), 60, "subtitles")
        said = player.evaluate("p => [...p.textTracks[0].cues].map((c) => c.text).join(' ')")
        assert said.split() == ["A", "red", "boat."]
        downloaded = page.request.get(page.url.replace("/jobs/", "/media/jobs/") + "/film")
        assert downloaded.headers["content-type"] == "video/mp4"
        page.goto(f"{watch.url}/workers")
        expect(page.locator("#devices")).to_contain_text("online")
        page.goto(f"{watch.url}/models?q=demo")
        expect(page.locator("#fits")).to_contain_text("in memory on 1 device", timeout=60_000)
        expect(page.locator("#fits")).to_contain_text("measured here")
        expect(page.locator("#lessons")).to_contain_text("reelyard-demo")
        page.context.close()
        assert watch.complaints == []
        assert watch.elsewhere() == []
        assert httpx2.get(f"{watch.url}/health").status_code == 200
