"""Hands over a file of the artifact store: whole or in part, as a stream, under a safe type.

A file is named by its content, so its tag is its hash and it never changes. Only types that a
browser merely shows or plays are sent inline; anything else is a download of plain bytes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from unicodedata import normalize
from urllib.parse import quote

from flask import Response, request

from coordinator.api.problems import Refused
from coordinator.api.spans import Span, span_of
from coordinator.store.views import Views
from reelyard.artifact import Artifact
from reelyard.storage import ArtifactStore

BYTES = "application/octet-stream"
SHOWN_INLINE = frozenset(
    {
        *("video/mp4", "video/webm"),
        *("audio/mp4", "audio/mpeg", "audio/wav", "audio/x-wav", "audio/flac", "audio/ogg"),
        *("image/png", "image/jpeg", "image/webp", "image/gif"),
        *("text/plain", "text/vtt"),
    }
)
_NEVER = frozenset('/\\":*?<>|')  # in a file name, on one system or another
_FOR_EVER = "private, max-age=31536000, immutable"
_ASK_AGAIN = "private, no-cache"
_KEPT = 4_096


class Files:
    """What the files are called and of which type, remembered: players ask for many ranges."""

    def __init__(self, store: ArtifactStore, views: Views) -> None:
        self._store, self._views = store, views
        self._known: OrderedDict[str, Artifact] = OrderedDict()
        self._lock = threading.Lock()

    def describe(self, sha256: str, name: str, media_type: str) -> Artifact:
        """As its task described it; else by the name and type that are given. Raises NotFound."""
        with self._lock:
            known = self._known.get(sha256)
        found = known or self._views.artifact(sha256)
        if found is None:
            size = self._store.size(sha256)
            kind = media_type if media_type in SHOWN_INLINE else BYTES
            return Artifact(
                name=name or sha256[:12], media_type=kind, size_bytes=size, sha256=sha256
            )
        if known is None:
            self._remember(found)
        return found.model_copy(update={"name": name}) if name else found

    def hand_over(self, artifact: Artifact, download: bool, for_ever: bool = True) -> Response:
        """The file as the request wants it. Raises NotFound, Refused (416)."""
        size = self._store.size(artifact.sha256)
        span = span_of(request.headers, size, artifact.sha256)
        if span is None:
            raise Refused(
                416,
                f"The file has {size} bytes and none of those.",
                headers={"Content-Range": f"bytes */{size}"},
            )
        response = Response(
            self._body(artifact.sha256, span),
            206 if span.is_part else 200,
            direct_passthrough=True,
        )
        _describe(response, artifact, span, download, _FOR_EVER if for_ever else _ASK_AGAIN)
        if not span.is_part:
            response.make_conditional(request)
        return response

    def _body(self, sha256: str, span: Span) -> Iterator[bytes]:
        if request.method == "HEAD" or not span.length:
            return iter(())
        return self._store.read(sha256, span.start, span.end)

    def _remember(self, artifact: Artifact) -> None:
        with self._lock:
            self._known[artifact.sha256] = artifact
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)


def _describe(
    response: Response, artifact: Artifact, span: Span, download: bool, caching: str
) -> None:
    media_type = artifact.media_type.partition(";")[0].strip().lower()
    safe = media_type in SHOWN_INLINE
    response.content_type = _content_type(media_type) if safe else BYTES
    response.content_length = span.length
    response.set_etag(artifact.sha256)
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Cache-Control"] = caching
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    if span.is_part:
        response.headers["Content-Range"] = span.content_range
    how = "attachment" if download or not safe else "inline"
    response.headers.set("Content-Disposition", how, **file_names(artifact.name))


def _content_type(media_type: str) -> str:
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type


def file_names(name: str) -> dict[str, str]:
    """`filename`, and `filename*` when it is needed, for Content-Disposition (RFC 6266)."""
    plain = "".join("_" if c in _NEVER or not c.isprintable() else c for c in name).strip(". ")
    plain = plain[:150] or "file"
    simple = normalize("NFKD", plain).encode("ascii", "ignore").decode("ascii").strip(". ")
    if simple == plain:
        return {"filename": plain}
    return {"filename": simple or "file", "filename*": f"UTF-8''{quote(plain, safe='')}"}
