"""How tests start the system's Chromium: never one that is downloaded."""

from __future__ import annotations

from typing import Any

LAUNCH: dict[str, Any] = {
    "headless": True,
    "args": [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--autoplay-policy=no-user-gesture-required",
    ],
}
