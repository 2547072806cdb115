"""The worker as a whole: probes, lanes, outbox and heart, wired together around a Celery process
that only supervises. torch is never imported here.
"""

from __future__ import annotations

import logging
import os
import platform
import socket
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import psutil
from celery import Celery
from celery.signals import worker_ready, worker_shutdown
from kombu.exceptions import OperationalError

from reelyard import __version__, ids
from reelyard.catalog import load_catalog
from reelyard.clock import SystemClock
from reelyard.errors import InvalidInput, Problem
from reelyard.failure import Failure, FailureKind
from reelyard.messages import (
    DeviceReport,
    Goodbye,
    Heartbeat,
    Hello,
    Resident,
)
from reelyard.messages import Lane as LaneName
from reelyard.settings import Settings
from reelyard.wire import (
    CONTROL_TASK,
    REPORT_TASK,
    REPORTS_QUEUE,
    RUN_TASK,
    bundle,
    celery_settings,
    control_queue,
    node_queue,
)
from worker.ahead import Fetcher
from worker.engines.video.resumable import models_that_go_on
from worker.inbox import Inbox
from worker.lane import Lane
from worker.outbox import KeptReports, Outbox
from worker.power import NvmlPower
from worker.probe import Measurement, Probe
from worker.probe.host import GIB, HostProbe, mapped_gib, ram_free_gib, ram_gib
from worker.probe.jetson import JetsonProbe
from worker.probe.nvidia import NvidiaProbe, nvml
from worker.probe.pool import CPU_PART_GIB
from worker.probe.storage import Disk
from worker.reporter import Reporter
from worker.supervise import Supervisor
from worker.talk import Bench
from worker.weights import available_models, available_voices, weight_files
from worker.workspace import sweep

log = logging.getLogger(__name__)
_LANES: Final[tuple[LaneName, ...]] = ("main", "side")
_SIDE_SHARE: Final = 0.25
"""Of a device's memory: what a side lane's engine may keep between attempts."""
_KEPT_FREE_GIB: Final = 1.0


class Agent:
    """One node's worker."""

    def __init__(
        self,
        settings: Settings,
        worker_id: str,
        steps: str = "worker.steps",
        probes: Sequence[Probe] | None = None,
    ) -> None:
        self._settings, self._clock = settings, SystemClock()
        self._folder = settings.state.resolve() / f"worker-{worker_id}"
        self._probes = make_probes(settings) if probes is None else probes
        self._disk = Disk(settings, self._clock)
        self.celery = Celery(f"reelyard.worker.{worker_id}", set_as_current=False)
        self.celery.conf.update(celery_settings(settings.broker_url))
        kept = KeptReports(self._folder / "outbox.db")
        self._outbox = Outbox(kept, self._carry, self._clock)
        self._reporter = Reporter(worker_id, ids.new("boot"), self._outbox, self._clock)
        self._steps = steps
        self._power = NvmlPower(nvml(), self._folder / "power.json")
        self._ahead = Fetcher(self._weight_files, self._room_bytes)
        self.supervisor = Supervisor(self._make_lanes, self._ahead)
        told = self._reporter
        self._stopping = threading.Event()
        self._is_asked = threading.Event()
        """To say hello again. The heart does: a device that does not answer holds up no order."""
        self._inbox = Inbox(
            self.supervisor, self._outbox, self._is_asked.set, told.refuse, told.boot_id
        )
        self._heart = threading.Thread(target=self._beat, name="heart", daemon=True)

    def start(self) -> None:
        """Engines, outbox and heart."""
        sweep(self._folder / "scratch")
        self._power.restore_all()
        for lane in self.supervisor.all():
            lane.start()
        self._outbox.start()
        self.introduce()
        self._inbox.start()
        self._heart.start()

    def stop(self) -> None:
        """Give back what is unfinished, say goodbye, end the engines."""
        self._stopping.set()
        self._is_asked.set()
        reason = Failure(kind=FailureKind.LOST, sentence="The worker was asked to stop.")
        self.supervisor.stop(reason, grace_seconds=2.0)
        self._outbox.tell(Goodbye.model_validate(self._reporter.head()))
        self._outbox.stop()

    def receive(self, payload: object) -> None:
        """An order, as it came over Celery."""
        self._inbox.receive(payload)

    def introduce(self) -> None:
        """Say hello, with all that this node offers."""
        catalog = load_catalog(self._settings.catalog_file)
        told = {
            "node": socket.gethostname(),
            "version": __version__,
            "cpus": os.cpu_count() or 1,
            "ram_gib": ram_gib(),
            "ram_free_gib": ram_free_gib(),
            "read_gb_s": self._disk.read_gb_s(catalog),
            "devices": self.devices(),
            "models": available_models(catalog, self._settings),
            "voices": available_voices(catalog, self._settings),
            "tags": self._settings.tags,
            "storage": self._settings.storage,
            "checkpoints": models_that_go_on(catalog, self._settings),
        }
        self._outbox.tell(Hello.model_validate({**self._reporter.head(), **told}))

    def devices(self) -> tuple[DeviceReport, ...]:
        """Every device as it is now, with what it holds and does. One that was plugged in since the
        start has no lane, and is not offered."""
        own = [psutil.Process().pid, *self._engine_pids()]
        found = measure(self._probes, own)
        return tuple(self._described(d) for d in found if d.id in self.supervisor.lanes)

    def _engine_pids(self) -> list[int]:
        return [pid for lane in self.supervisor.all() for pid in lane.pids()]

    def _described(self, device: Measurement) -> DeviceReport:
        lane, side = self.supervisor.lanes[device.id], self.supervisor.sides[device.id]
        held = {**side.resident(), **lane.resident()}
        return DeviceReport(
            **asdict(device),
            resident=tuple(Resident(model=name, gib=gib) for name, gib in held.items()),
            running=tuple(lane.running()),
            side_running=tuple(side.running()),
            loading=lane.loading() or side.loading(),
        )

    def _make_lanes(self) -> list[Lane]:
        return [
            Lane(self._bench(device, which), self._reporter, self._clock, self._ahead, self._power)
            for device in measure(self._probes, [])
            for which in _LANES
        ]

    def _bench(self, device: Measurement, lane: LaneName) -> Bench:
        """A side lane holds small things only, or two processes would each fill the device."""
        return Bench(
            device_id=device.id,
            memory_gib=device.memory_gib * (1 if lane == "main" else _SIDE_SHARE),
            folder=self._folder / "scratch",
            settings=self._settings,
            steps=self._steps,
            lane=lane,
        )

    def _weight_files(self, model: str) -> tuple[Path, ...]:
        return weight_files(model, load_catalog(self._settings.catalog_file), self._settings)

    def _room_bytes(self) -> int:
        """RAM for weights that are read ahead: what is free, but for what the engines have mapped
        from files, which the system counts as free too."""
        mapped = sum(mapped_gib(pid) for pid in self._engine_pids())
        return int((ram_free_gib() - mapped - _KEPT_FREE_GIB) * GIB)

    def _beat(self) -> None:
        while True:
            is_asked = self._is_asked.wait(self._settings.heartbeat_seconds)
            if self._stopping.is_set():
                return
            self._is_asked.clear()
            try:
                self.introduce() if is_asked else self._say_alive()
            except Exception:
                log.exception("a heartbeat was missed")

    def _say_alive(self) -> None:
        told = {"devices": self.devices(), "attempts": self.supervisor.attempts()}
        self._outbox.tell(Heartbeat.model_validate({**self._reporter.head(), **told}))

    def _carry(self, payloads: Sequence[dict[str, object]]) -> None:
        try:
            self.celery.send_task(REPORT_TASK, args=[bundle(payloads)], queue=REPORTS_QUEUE)
        except (OperationalError, OSError) as away:
            raise ConnectionError(str(away)) from away


def make_probes(settings: Settings) -> list[Probe]:
    """One per kind of device. A Jetson's GPU is not asked through NVML. Where a GPU has no memory
    of its own, the CPU offers only its part of the one they share. Raises InvalidInput."""
    devices, share = load_catalog(settings.catalog_file).devices, settings.cpu_memory_share
    jetson, nvidia = JetsonProbe(devices), NvidiaProbe(nvml(), devices)
    gpus: Probe = jetson if jetson.name() else nvidia
    if any(device.unified for device in measure([gpus], [])):
        return [gpus, HostProbe(share, most_gib=CPU_PART_GIB)]
    return [gpus, HostProbe(share)]


def measure(probes: Sequence[Probe], own_pids: Sequence[int]) -> list[Measurement]:
    """All devices of this machine. A probe that fails costs its own devices only."""
    found: list[Measurement] = []
    for probe in probes:
        try:
            found += probe.measure(own_pids)
        except Exception:
            log.exception("%s failed", type(probe).__name__)
    return found


def name_of(settings: Settings) -> str:
    """The worker's name: set, or remembered from the first start, or the machine's."""
    if settings.worker_id:
        return _checked(settings.worker_id)
    remembered: Path = settings.state / "worker-id"
    if not remembered.is_file():
        remembered.parent.mkdir(parents=True, exist_ok=True)
        host = platform.node().split(".")[0].lower() or "node"
        remembered.write_text(f"{host}-{ids.new('w', 4).removeprefix('w-')}\n", encoding="utf-8")
    return remembered.read_text(encoding="utf-8").strip()


def _checked(worker_id: str) -> str:
    """It becomes part of queue and folder names."""
    if ids.is_id(worker_id):
        return worker_id
    raise InvalidInput(
        [
            Problem(
                field="REELYARD_WORKER_ID",
                message="is not a name for a worker",
                value=worker_id[:120],
                limit="100 letters, digits, '.', '_', ':' and '-', a letter or digit first",
                remedy="Leave it out to take the machine's name.",
            )
        ]
    )


def run(
    settings: Settings, steps: str = "worker.steps", probes: Sequence[Probe] | None = None
) -> None:
    """The worker's process, until SIGTERM. Raises InvalidInput without a broker."""
    if not settings.broker_url:
        raise InvalidInput(
            [
                Problem(
                    field="REELYARD_BROKER_URL",
                    message="is not set",
                    remedy="Name the farm's Redis or Valkey: redis://:PASSWORD@host:6379/0.",
                )
            ]
        )
    os.environ.setdefault("OMP_NUM_THREADS", str(settings.threads or os.cpu_count() or 1))
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    worker_id = name_of(settings)
    agent = Agent(settings, worker_id, steps, probes)
    _listen(agent)
    agent.celery.worker_main(
        [
            "worker",
            *("--pool", "solo"),
            *("--queues", f"{node_queue(worker_id)},{control_queue(worker_id)}"),
            *("--hostname", f"{worker_id}@%h", "--loglevel", "WARNING"),
            *("--without-gossip", "--without-mingle"),
        ]
    )


def _listen(agent: Agent) -> None:
    for name in (RUN_TASK, CONTROL_TASK):
        agent.celery.task(name=name)(agent.receive)
    # weak=False: nobody else holds these functions.
    worker_ready.connect(lambda **_: agent.start(), weak=False)
    worker_shutdown.connect(lambda **_: agent.stop(), weak=False)
