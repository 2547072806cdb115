"""The figures of `bench.dispatch`, the floors they are held to, and how they are printed."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SHARE_OF_RAW = 0.4
P50_MS, P99_MS = 50.0, 250.0
ACCEPT_SECONDS = 3.0
LATENCY_PARTS = ("read and stored", "placed", "sent", "first line")


@dataclass(frozen=True, slots=True)
class Throughput:
    """No-op tasks from the first POST until the last is done in the database. CPU seconds by part
    of the farm; `loop`: wall seconds, CPU seconds and calls of the loop's parts (of its whole
    life, so a little more than this run)."""

    tasks: int
    seconds: float
    submit_seconds: float
    cpu_seconds: Mapping[str, float]
    loop: Mapping[str, Sequence[float]]

    @property
    def rate(self) -> float:
        """Tasks per second."""
        return self.tasks / self.seconds


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from before the POST to the task's first line, on an idle farm; the medians of
    its parts beside it (the last two overlap: a message may arrive before it is marked as sent)."""

    ms: Sequence[float]
    parts: Mapping[str, float]

    def share(self, share: float) -> float:
        """The figure that this share of all does not exceed."""
        ordered = sorted(self.ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(frozen=True, slots=True)
class Accepted:
    """Seconds until POST /jobs answered, for a job of so many tasks."""

    tasks: int
    source_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one database."""

    database: str
    devices: int
    throughput: Throughput
    latency: Latency
    accepted: Accepted


@dataclass(frozen=True, slots=True)
class Floor:
    """What was promised, what was found."""

    name: str
    found: float
    limit: float
    at_least: bool

    @property
    def holds(self) -> bool:
        """True when the promise is kept."""
        return self.found >= self.limit if self.at_least else self.found <= self.limit

    def sentence(self) -> str:
        """One line."""
        sign = ">=" if self.at_least else "<="
        word = "holds" if self.holds else "DOES NOT HOLD"
        return f"{self.name}: {self.found:.3g} ({sign} {self.limit:g}) {word}"


def floors(found: Figures, raw_rate: float) -> list[Floor]:
    """Each floor for one database."""
    where, latency = found.database, found.latency
    share = found.throughput.rate / raw_rate
    return [
        Floor(f"{where}: share of raw Celery", share, SHARE_OF_RAW, at_least=True),
        Floor(f"{where}: first line, p50 ms", latency.share(0.5), P50_MS, at_least=False),
        Floor(f"{where}: first line, p99 ms", latency.share(0.99), P99_MS, at_least=False),
        Floor(
            f"{where}: job of {found.accepted.tasks} tasks accepted, s",
            found.accepted.seconds,
            ACCEPT_SECONDS,
            at_least=False,
        ),
    ]


def report(found: Figures, raw_cpu_ms: float) -> str:
    """Several lines for people. CPU beside raw Celery's says more than rates on a busy machine."""
    run, latency, accepted = found.throughput, found.latency, found.accepted
    lines = [
        f"{found.database}, {found.devices} pretended devices",
        f"  {run.tasks} tasks in {run.seconds:.2f} s = {run.rate:.0f}/s; "
        f"submitting took {run.submit_seconds:.2f} s of it",
        "  CPU ms per task: "
        + _per_task(run.cpu_seconds, run.tasks)
        + f"; raw Celery's without its broker {raw_cpu_ms:.2f}",
        "  the loop's parts (wall s, CPU s, calls): "
        + ", ".join(f"{n} {w:.2f} {c:.2f} {k:.0f}" for n, (w, c, k) in run.loop.items()),
        f"  first line after {latency.share(0.5):.1f} ms (p50), {latency.share(0.9):.1f} (p90), "
        f"{latency.share(0.99):.1f} (p99) of {len(latency.ms)}",
        "  medians of its parts, ms: "
        + ", ".join(f"{name} {ms:.1f}" for name, ms in latency.parts.items()),
        f"  {accepted.tasks} tasks ({accepted.source_bytes} bytes) accepted in "
        f"{accepted.seconds:.2f} s",
    ]
    return "\n".join(lines)


def machine() -> str:
    """What all this was measured on."""
    load = os.getloadavg()[0]
    return (
        f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, load {load}"
    )


def _per_task(seconds: Mapping[str, float], tasks: int) -> str:
    parts = [f"{name} {used / tasks * 1000:.2f}" for name, used in seconds.items()]
    return ", ".join([*parts, f"all {sum(seconds.values()) / tasks * 1000:.2f}"])


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
