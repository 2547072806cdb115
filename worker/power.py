"""A device's power limit: lowered for a run, restored after it. Never decides by how much.

To set a limit a worker needs the privilege of an administrator. Where the driver refuses, work runs
without a cap, and its result says so. What is lowered is written down before, with what it was: a
worker that was killed restores it when it starts again.

Written against nvidia-ml-py's documented calls; tests play them back, no GPU has run it yet.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

log = logging.getLogger(__name__)
_NEAR_MILLIWATTS = 1_000
"""Drivers round: a limit this near to what was set is ours."""


@dataclass(frozen=True, slots=True)
class Lowered:
    """`share`: of the power limit, in force during the run; None: no cap is. `note`: why not, where
    one was asked for and that was not said before."""

    share: float | None = None
    note: str = ""


UNCAPPED = Lowered()


class Power(Protocol):
    """Whoever can set the power limits of this machine's devices."""

    def lower(self, device_id: str, share: float) -> Lowered:
        """To this share of the limit that the device had, or as low as it goes."""
        ...

    def restore(self, device_id: str) -> None:
        """To what it was before; nothing where it was not lowered."""
        ...


@contextmanager
def lowered(power: Power | None, device_id: str, share: float | None) -> Iterator[Lowered]:
    """For as long as a run takes, however it ends."""
    if power is None or share is None:
        yield UNCAPPED
        return
    try:
        yield power.lower(device_id, share)
    finally:
        power.restore(device_id)


class NvmlPower:
    """NVIDIA GPUs, through NVML. `kept` is the file of what is lowered now: by device the limit
    before and the one that was set, in milliwatts."""

    def __init__(self, library: Any, kept: Path) -> None:
        self._nvml, self._kept = library, kept
        self._one_at_a_time = threading.Lock()
        self._refused: set[str] = set()

    def lower(self, device_id: str, share: float) -> Lowered:
        """See Power. Refused once in words, then silently."""
        with self._one_at_a_time:
            try:
                return Lowered(self._lower(device_id, share))
            except Exception as refused:  # no driver, no such reading, no privilege, no disk
                return self._refuse(device_id, refused)

    def restore(self, device_id: str) -> None:
        """See Power. One that cannot be restored now is tried again at the next start."""
        with self._one_at_a_time:
            known = self._read()
            if device_id not in known:
                return
            try:
                self._put_back(device_id, *known[device_id])
                self._write({name: two for name, two in known.items() if name != device_id})
            except Exception:
                log.exception("the power limit of %s is still lowered", device_id)

    def restore_all(self) -> None:
        """What an earlier life of this worker has left lowered."""
        for device_id in self._read():
            self.restore(device_id)

    def _lower(self, device_id: str, share: float) -> float:
        handle, known = self._handle(device_id), self._read()
        now = int(self._nvml.nvmlDeviceGetPowerManagementLimit(handle))
        before, was_set = known.get(device_id, (now, now))
        if abs(now - was_set) > _NEAR_MILLIWATTS:  # somebody has set another since
            before = now
        least, _ = self._nvml.nvmlDeviceGetPowerManagementLimitConstraints(handle)
        asked = min(max(round(before * share), int(least)), before)
        self._write({**known, device_id: (before, asked)})
        try:
            self._nvml.nvmlDeviceSetPowerManagementLimit(handle, asked)
        except self._nvml.NVMLError:
            self._write({name: two for name, two in known.items() if name != device_id})
            raise
        return round(asked / before, 4)

    def _put_back(self, device_id: str, before: int, was_set: int) -> None:
        """Unless somebody has set another limit meanwhile: that one stays."""
        handle = self._handle(device_id)
        now = int(self._nvml.nvmlDeviceGetPowerManagementLimit(handle))
        if abs(now - was_set) <= _NEAR_MILLIWATTS:
            self._nvml.nvmlDeviceSetPowerManagementLimit(handle, before)

    def _handle(self, device_id: str) -> Any:
        kind, _, index = device_id.partition(":")
        if self._nvml is None or kind != "cuda":
            raise LookupError(f"{device_id} has no power limit that can be set")
        return self._nvml.nvmlDeviceGetHandleByIndex(int(index))

    def _refuse(self, device_id: str, refused: Exception) -> Lowered:
        if device_id in self._refused:
            return UNCAPPED
        self._refused.add(device_id)
        said = f"{device_id} ran without its power cap: {refused}"
        log.warning("%s; a worker needs an administrator's privilege to set one", said)
        return Lowered(note=said)

    def _read(self) -> dict[str, tuple[int, int]]:
        try:
            found = json.loads(self._kept.read_text(encoding="utf-8"))
            return {str(name): (int(two[0]), int(two[1])) for name, two in found.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as unreadable:
            log.warning("%s cannot be read: %s", self._kept, unreadable)
            return {}

    def _write(self, known: dict[str, tuple[int, int]]) -> None:
        self._kept.parent.mkdir(parents=True, exist_ok=True)
        new = self._kept.with_suffix(".new")
        new.write_text(json.dumps(known), encoding="utf-8")
        new.replace(self._kept)
