"""Artifacts in S3, or in anything that speaks it: `<prefix>/sha256/ab/abcdef...`.

Large files travel in parts, each with a SHA-256 that the server checks. Credentials come from the
usual places of boto3, which is imported only here and only when a bucket is used.
Never makes a bucket and never deletes an artifact.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reelyard.artifact import Artifact, describe, digest_of
from reelyard.errors import NotInstalled, Unreachable
from reelyard.storage.key import damaged, missing, place_of

_CHUNK_BYTES = 1 << 20
_PART_BYTES = 16 << 20
_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})


class S3Store:
    """An `ArtifactStore` in one bucket, under a prefix."""

    def __init__(self, bucket: str, prefix: str = "", endpoint: str = "") -> None:
        self._client = _connect(endpoint)
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._where = f"s3://{bucket}/{self._prefix}"

    def put(self, path: Path, name: str, media_type: str) -> Artifact:
        """Store the file. Writes even what is there already: that mends a damaged copy."""
        from boto3.s3.transfer import TransferConfig

        artifact = describe(path, name, media_type)
        with self._explained(artifact.sha256):
            self._client.upload_file(
                str(path),
                self._bucket,
                self._key(artifact.sha256),
                ExtraArgs={"ContentType": media_type, "ChecksumAlgorithm": "SHA256"},
                Config=TransferConfig(
                    multipart_threshold=_PART_BYTES, multipart_chunksize=_PART_BYTES
                ),
            )
        return artifact

    def fetch(self, sha256: str, into: Path) -> Path:
        """Bring the artifact to the file `into`. Raises NotFound, ArtifactDamaged, Unreachable."""
        into.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".part-", dir=into.parent) as folder:
            beside = Path(folder) / sha256[:16]
            with self._explained(sha256):
                self._client.download_file(self._bucket, self._key(sha256), str(beside))
            if (found := digest_of(beside)) != sha256:
                raise damaged(sha256, found, self._where)
            beside.replace(into)
        return into

    def size(self, sha256: str) -> int:
        """Bytes. Raises NotFound."""
        with self._explained(sha256):
            head = self._client.head_object(Bucket=self._bucket, Key=self._key(sha256))
        return int(head["ContentLength"])

    def read(self, sha256: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` up to, not including, `end`. Raises NotFound at once."""
        end = min(end, self.size(sha256))
        if start >= end:
            return iter(())
        with self._explained(sha256):
            got = self._client.get_object(
                Bucket=self._bucket, Key=self._key(sha256), Range=f"bytes={start}-{end - 1}"
            )
        pieces: Iterator[bytes] = got["Body"].iter_chunks(_CHUNK_BYTES)
        return pieces

    def check(self) -> None:
        """Raises Unreachable when the bucket takes no objects."""
        with self._explained(""):
            self._client.head_bucket(Bucket=self._bucket)  # some servers make one on writing
            self._client.put_object(Bucket=self._bucket, Key=f"{self._prefix}.check", Body=b"\n")

    def _key(self, sha256: str) -> str:
        return self._prefix + place_of(sha256)

    @contextmanager
    def _explained(self, sha256: str) -> Iterator[None]:
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as wrong:
            if sha256 and str(wrong.response.get("Error", {}).get("Code")) in _ABSENT:
                raise missing(sha256, self._where) from wrong
            raise self._unreachable(wrong) from wrong
        except (BotoCoreError, Boto3Error) as wrong:
            raise self._unreachable(wrong) from wrong

    def _unreachable(self, wrong: Exception) -> Unreachable:
        return Unreachable(
            f"The artifact store {self._where} does not work: {wrong}.",
            "Check the bucket's name, REELYARD_S3_ENDPOINT and the S3 credentials.",
        )


def _connect(endpoint: str) -> Any:
    try:
        import boto3
        from botocore.config import Config
    except ImportError:
        raise NotInstalled(
            "Artifacts in S3 need the package boto3.", "Add it with: pip install 'reelyard[s3]'"
        ) from None
    config = Config(
        signature_version="s3v4",  # presigned addresses would otherwise be of the old kind
        s3={"addressing_style": "path"},
        connect_timeout=5,
        retries={"mode": "standard", "max_attempts": 4},
    )
    session = boto3.session.Session()  # boto3's shared one would keep the first credentials it saw
    return session.client("s3", endpoint_url=endpoint or None, config=config)
