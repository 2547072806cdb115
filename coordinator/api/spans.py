"""Which bytes of a file a request asks for: one span, the whole, or none that there are. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug.datastructures import Headers
from werkzeug.http import parse_if_range_header, parse_range_header


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes from `start` up to, not including, `end`, of a file of `size`."""

    start: int
    end: int
    size: int
    is_part: bool

    @property
    def length(self) -> int:
        """How many bytes."""
        return self.end - self.start

    @property
    def content_range(self) -> str:
        """`bytes 0-99/1234`"""
        return f"bytes {self.start}-{self.end - 1}/{self.size}"


def span_of(headers: Headers, size: int, etag: str) -> Span | None:
    """None when the file has none of the bytes that were asked for.

    What is no range of bytes, and several ranges at once, mean the whole file, as HTTP allows.
    """
    whole = Span(0, size, size, is_part=False)
    asked = parse_range_header(headers.get("Range"))
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        return whole
    if not _still_the_same(headers.get("If-Range"), etag):
        return whole
    first, end = asked.ranges[0]
    start = max(0, size + first) if first < 0 else first  # `-500`: the last 500 bytes
    if start >= size:
        return None
    return Span(start, size if end is None else min(end, size), size, is_part=True)


def _still_the_same(condition: str | None, etag: str) -> bool:
    """A file named by its content never changes, but a condition may name another file's tag. A
    weak tag promises no bytes, so it never holds here."""
    if not condition:
        return True
    return not condition.startswith("W/") and parse_if_range_header(condition).etag == etag
