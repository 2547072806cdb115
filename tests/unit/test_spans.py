"""Which bytes a request asks for; how a file may be named in a header."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some
from werkzeug.datastructures import Headers

from coordinator.api.files import file_names
from coordinator.api.spans import Span, span_of


def asked(text: str, size: int) -> Span | None:
    return span_of(Headers({"Range": text}), size, "tag")


@given(first=some.integers(0, 30), last=some.integers(0, 30), size=some.integers(0, 25))
def test_a_span_is_what_slicing_would_give(first: int, last: int, size: int) -> None:
    content = bytes(range(size))
    found = asked(f"bytes={first}-{last}", size)
    if last < first:
        assert found == Span(0, size, size, is_part=False)
    elif first >= size:
        assert found is None
    else:
        assert found is not None and found.is_part
        assert content[found.start : found.end] == content[first : last + 1]
        assert found.length == len(content[first : last + 1]) > 0


@given(last=some.integers(1, 30), size=some.integers(1, 25))
def test_the_last_bytes(last: int, size: int) -> None:
    found = asked(f"bytes=-{last}", size)
    assert found == Span(max(0, size - last), size, size, is_part=True)


@given(text=some.text(max_size=40), size=some.integers(0, 100))
def test_nothing_that_is_sent_breaks_it(text: str, size: int) -> None:
    headers = Headers()
    headers["Range"] = "bytes=" + text.replace("\n", "").replace("\r", "")
    found = span_of(headers, size, "tag")
    assert found is None or 0 <= found.start <= found.end <= size


@given(name=some.text(max_size=300))
def test_no_name_says_more_than_a_name(name: str) -> None:
    for value in file_names(name).values():
        assert value and value.isprintable() and len(value) < 2_000
        assert not set('/\\"') & set(value)
        assert not value.startswith(".")
    assert file_names(name)["filename"].isascii()
