"""Waiting for a condition, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(
    look: Callable[[], T], seconds: float = 30.0, what: str = "", every: float = 0.05
) -> T:
    """The first true answer of `look`, asked every so many seconds. Fails with the last one when
    the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        answer = look()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what or look}; last answer {answer!r}")
        time.sleep(every)
