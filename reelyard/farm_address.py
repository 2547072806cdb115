"""A farm's address, what stands in it, and the headers that go with it: checked before sending."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx2

from reelyard.errors import InvalidInput, NotFound, Problem, Unauthorized
from reelyard.ids import is_id


def checked_url(url: str) -> str:
    """The address without what the client adds. Raises InvalidInput."""
    shown = Problem("REELYARD_URL", "is no address of a farm", url[:80], "http://HOST:PORT")
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 1)
        httpx2.URL(url)
    except (ValueError, httpx2.InvalidURL):
        good = False
    if not good:
        raise InvalidInput([shown])
    return url.rstrip("/").removesuffix("/api/v1")


def authorization(token: str) -> Mapping[str, str]:
    """The header; none without a token. Raises Unauthorized for what can be no token."""
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise Unauthorized("the token has characters that no token has.")
    return {"Authorization": f"Bearer {token}"} if token else {}


def is_loopback(url: str) -> bool:
    """On this very machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def id_part(text: str, what: str) -> str:
    """An id as part of an address: what can be none is not even asked for. Raises NotFound."""
    if not is_id(text):
        raise NotFound(f"there is no {what} {text[:100]!r}.")
    return text


def checked_key(key: str) -> str:
    """An Idempotency-Key as a header carries it. Raises InvalidInput."""
    if key and not (key.isascii() and key.isprintable() and len(key) <= 200):
        raise InvalidInput(
            [Problem("key", "must be plain characters", key[:80], "200 ASCII characters")]
        )
    return key
