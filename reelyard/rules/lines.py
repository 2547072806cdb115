"""In which line of a TOML document each field stands. Says nothing about what is no TOML."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from reelyard.source_map import SourceMap

_KEY = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_PATH = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_HEAD = re.compile(rf"\s*(\[\[?)\s*({_PATH})\s*\]")
_FIELD = re.compile(rf"\s*({_PATH})\s*=")
_PARTS = re.compile(_KEY)


def source_map(text: str) -> SourceMap:
    """Fields as problems name them: `owners.anna.weight`, `nodes[1].match`. What is inside of a
    list or of a table in braces has the line of what holds it."""
    lines: dict[str, int] = {}
    many: Counter[str] = Counter()
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if head := _HEAD.match(line):
            table = _of(head[2], many)
            if head[1] == "[[":
                many[table] += 1
                table = f"{table}[{many[table] - 1}]"
            for part in _around(table):
                lines.setdefault(part, number)
        elif field := _FIELD.match(line):
            lines.setdefault(f"{table}.{_plain(field[1])}".lstrip("."), number)
    return SourceMap(lines)


def _around(table: str) -> Iterator[str]:
    """The table, and those that it stands in."""
    while table:
        yield table
        table = table[: max(table.rfind("."), table.rfind("["), 0)]


def _of(path: str, many: Counter[str]) -> str:
    """Where a head's table is: below a list of tables it is in the last one of them."""
    found = ""
    parts = [_bare(part) for part in _PARTS.findall(path)]
    for place, part in enumerate(parts):
        found = f"{found}.{part}".lstrip(".")
        if many[found] and place < len(parts) - 1:
            found = f"{found}[{many[found] - 1}]"
    return found


def _plain(path: str) -> str:
    return ".".join(_bare(part) for part in _PARTS.findall(path))


def _bare(key: str) -> str:
    return key[1:-1] if key[:1] in "\"'" else key
