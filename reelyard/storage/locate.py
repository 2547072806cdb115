"""From `REELYARD_STORE_URL` to a store: a folder or a bucket. Touches nothing until it is used."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from reelyard.errors import InvalidInput, Problem
from reelyard.settings import Settings
from reelyard.storage import ArtifactStore
from reelyard.storage.disk import DiskStore
from reelyard.storage.s3 import S3Store


def open_store(settings: Settings) -> ArtifactStore:
    """`file:///folder`, `s3://bucket/prefix`, or `<state>/artifacts` when no URL is set.

    Raises InvalidInput for any other URL, NotInstalled when S3 is wanted without boto3.
    """
    if not settings.store_url:
        return DiskStore(settings.state / "artifacts")
    url = urlsplit(settings.store_url)
    if url.scheme == "file" and url.netloc in ("", "localhost") and url.path:
        return DiskStore(Path(unquote(url.path)))
    if url.scheme == "s3" and url.netloc:
        return S3Store(url.netloc, unquote(url.path), settings.s3_endpoint)
    raise InvalidInput(
        [
            Problem(
                field="REELYARD_STORE_URL",
                message="must be file:///folder or s3://bucket/prefix",
                value=settings.store_url,
                remedy="Leave it empty for a folder in the farm's state.",
            )
        ]
    )
