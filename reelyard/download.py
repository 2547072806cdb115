"""Brings an artifact from the farm to a file: whole and verified, or not at all.

What has arrived waits in a `.part` file beside it, named after the content, so that the next try
goes on from there. Never leaves a half-written file under the name that was asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx2

from reelyard.artifact import Artifact, digest_of
from reelyard.errors import ArtifactDamaged, Unreachable
from reelyard.problem_document import error_of

_CHUNK_BYTES = 1 << 18
_TRIES = 5
_PARTIAL, _BEYOND_THE_END = 206, 416

Watch = Callable[[int, int], None]
"""Told how many bytes are here, and how many there will be."""


def download(
    http: httpx2.Client, path: str, artifact: Artifact, to: Path, watch: Watch | None = None
) -> Path:
    """`to`, holding exactly the artifact. Raises Unreachable, NotFound or ArtifactDamaged."""
    to.parent.mkdir(parents=True, exist_ok=True)
    part = to.with_name(f".{to.name[:100]}.{artifact.sha256[:16]}.part")
    for left in reversed(range(_TRIES)):
        try:
            _go_on(http, path, artifact, part, watch or (lambda _here, _whole: None))
            break
        except httpx2.TransportError as wrong:
            if not left:
                raise Unreachable(
                    f"{artifact.name} broke off after {_size(part)} of {artifact.size_bytes} bytes "
                    f"({type(wrong).__name__}).",
                    "Ask again: it goes on from there.",
                ) from None
    _verify(part, artifact)
    part.replace(to)
    return to


def _go_on(http: httpx2.Client, path: str, artifact: Artifact, part: Path, watch: Watch) -> None:
    have = _size(part)
    if have == artifact.size_bytes and part.exists():
        return
    # Bytes as they are: no compression on the way, or ranges would not mean what they say.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with http.stream("GET", path, headers=headers) as answer:
        if answer.status_code == _BEYOND_THE_END:
            part.unlink()
            raise httpx2.ReadError("what was here already is not its beginning")
        if not answer.is_success:
            answer.read()
            raise error_of(answer)
        _write(answer, part, artifact.size_bytes, watch)
    if _size(part) < artifact.size_bytes:
        raise httpx2.ReadError("the connection ended early")


def _write(answer: httpx2.Response, part: Path, whole: int, watch: Watch) -> None:
    goes_on = answer.status_code == _PARTIAL
    with part.open("ab" if goes_on else "wb") as file:
        here = file.tell()
        for chunk in answer.iter_raw(_CHUNK_BYTES):
            here += file.write(chunk)
            watch(here, whole)


def _verify(part: Path, artifact: Artifact) -> None:
    found = digest_of(part)
    if found != artifact.sha256:
        part.unlink()
        raise ArtifactDamaged(
            f"{artifact.name} arrived as {found[:12]}, not as {artifact.sha256[:12]}.",
            "Ask again; when that does not help, the farm's copy is damaged.",
        )


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0
