"""A real S3 server for tests: SeaweedFS, on this machine only, in a folder that goes away."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.services import needs_module, needs_program
from tests.support.waiting import eventually

_GRPC_OFFSET = 10_000  # every port of SeaweedFS also takes the one that lies this much higher
_LOWEST = 12_000
_ROLES = ("s3", "master", "volume", "filer", "admin")


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket that exists, where it is, and whom it lets in."""

    name: str
    endpoint: str
    key: str = "farm"
    secret: str = "only-for-tests"

    @property
    def environment(self) -> dict[str, str]:
        """What boto3 reads its credentials from."""
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def farm_environment(self, prefix: str) -> dict[str, str]:
        """What a farm has to find in its environment to keep its artifacts here."""
        return {
            "REELYARD_STORE_URL": f"s3://{self.name}/{prefix}",
            "REELYARD_S3_ENDPOINT": self.endpoint,
            **self.environment,
        }

    def client(self) -> Any:
        """A boto3 client for looking, and for damaging things."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            region_name="us-east-1",
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
        )


@contextmanager
def running_seaweed(folder: Path, bucket: str = "films") -> Iterator[Bucket]:
    """A server with one bucket, ready to take files; stopped at the end."""
    needs_module("boto3")
    program = _program()
    ports = _free_pairs(len(_ROLES))
    made = Bucket(name=bucket, endpoint=f"http://127.0.0.1:{ports[0]}")
    (folder / "data").mkdir(parents=True)
    (folder / "s3.json").write_text(json.dumps(_who_may(made)), encoding="utf-8")
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(
            _command(program, folder, dict(zip(_ROLES, ports, strict=True))),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        eventually(lambda: _is_ready(made, process, folder), 60, "SeaweedFS takes files")
        yield made
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _program() -> str:
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.is_file() else needs_program("weed")


def _command(program: str, folder: Path, ports: dict[str, int]) -> list[str]:
    return [
        program,
        "mini",
        f"-dir={folder / 'data'}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        *(f"-{role}.port={port}" for role, port in ports.items()),
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-webdav=false",
        "-admin.ui=false",
        "-master.telemetry=false",
        f"-s3.config={folder / 's3.json'}",
    ]


def _who_may(bucket: Bucket) -> dict[str, Any]:
    return {
        "identities": [
            {
                "name": "farm",
                "credentials": [{"accessKey": bucket.key, "secretKey": bucket.secret}],
                "actions": ["Admin", "Read", "Write", "List", "Tagging"],
            }
        ]
    }


def _is_ready(bucket: Bucket, process: subprocess.Popen[bytes], folder: Path) -> bool:
    """Its health page answers too early: ready is when a file can be written."""
    from botocore.exceptions import BotoCoreError, ClientError

    if process.poll() is not None:
        raise AssertionError((folder / "weed.log").read_text(errors="replace")[-2000:])
    client = bucket.client()
    with suppress(BotoCoreError, ClientError):  # not up yet, or made before: the write decides
        client.create_bucket(Bucket=bucket.name)
    try:
        client.put_object(Bucket=bucket.name, Key="ready", Body=b"1")
    except (BotoCoreError, ClientError):
        return False
    return True


def _free_pairs(count: int) -> list[int]:
    """Drawn, not counted up, so that two test processes do not find the same ones at once; below
    those that the system gives to whoever asks for any."""
    drawn = random.SystemRandom().sample(range(_LOWEST, _LOWEST + _GRPC_OFFSET), 50 * count)
    free = [port for port in drawn if _is_free(port) and _is_free(port + _GRPC_OFFSET)]
    if len(free) < count:
        raise AssertionError("no free ports")
    return free[:count]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
