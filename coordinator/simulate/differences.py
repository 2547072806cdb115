"""One result against another, number by number. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from coordinator.simulate.result import Result

_LEFT_OUT = ("types", "never_ran", "deciding", "owners", "jain_by_hour")
"""Lists, and what is of this machine."""


def differences(first: Result, last: Result) -> dict[str, float]:
    """Last less first, by the path of each number that both have and that differs."""
    before, after = dict(_numbers(first.model_dump())), dict(_numbers(last.model_dump()))
    return {
        path: round(after[path] - value, 6)
        for path, value in before.items()
        if path in after and after[path] != value
    }


def _numbers(table: dict[str, object], path: str = "") -> Iterator[tuple[str, float]]:
    for name, value in table.items():
        if name in _LEFT_OUT:
            continue
        if isinstance(value, dict):
            yield from _numbers(value, f"{path}{name}.")
        elif isinstance(value, int | float):
            yield f"{path}{name}", float(value)
