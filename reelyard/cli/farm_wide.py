"""`reelyard workers`: what the farm consists of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reelyard.cli.connection import AsJson, TokenFile, Url, connect
from reelyard.cli.speak import say, show_json, show_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reelyard.resources import DeviceView, WorkerList


def workers(url: Url = "", token_file: TokenFile = None, as_json: AsJson = False) -> None:
    """List the workers and what their devices hold and do."""
    with connect(url, token_file) as client:
        found = client.workers()
    if as_json:
        show_json(found)
    elif not found.data:
        say("no worker has joined; start one with `reelyard-worker run` or `reelyard up`")
    else:
        heads = ("worker", "state", "device", "name", "memory", "free", "loaded", "running", "tags")
        show_table(heads, _devices(found))


def _devices(found: WorkerList) -> Iterator[tuple[str, ...]]:
    for worker in found.data:
        for device in worker.devices:
            yield (worker.id, worker.state, *_device(device), ", ".join(worker.tags) or "-")
        if not worker.devices:
            yield (worker.id, worker.state, "none", "", "", "", "", "", "")


def _device(device: DeviceView) -> tuple[str, ...]:
    return (
        device.id,
        device.name,
        f"{device.memory_gib:.1f} GiB",
        f"{device.free_gib:.1f} GiB",
        ", ".join(resident.model for resident in device.resident) or "-",
        ", ".join(device.running) or "-",
    )
