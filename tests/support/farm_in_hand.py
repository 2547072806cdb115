"""A coordinator that a test turns by hand: real database, real core, a clock that is told the time,
and a carrier that keeps letters instead of sending them. Workers are played by the test."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import event, select

from coordinator.core.recover import Patience
from coordinator.dispatch import Dispatcher
from coordinator.intake import Intake
from coordinator.leader import Leader
from coordinator.loop import Loop
from coordinator.reports import ReportTaker
from coordinator.store.database import Database
from coordinator.store.migrate import migrate
from coordinator.store.tables import attempts, events, jobs, tasks
from reelyard.artifact import Artifact
from reelyard.catalog import Catalog, load_catalog
from reelyard.clock import ManualClock
from reelyard.failure import Failure, FailureKind
from reelyard.messages import (
    DeviceReport,
    Failed,
    Finished,
    Heartbeat,
    Hello,
    Measured,
    RunTask,
    Started,
    read_order,
)
from reelyard.storyboard import Storyboard
from reelyard.task import ComposeWork, FilmResult, Result, VideoResult, VideoWork, VoiceResult

CPU = DeviceReport(id="cpu", kind="cpu", name="cpu", memory_gib=16.0, free_gib=15.0)
PATIENCE = Patience(silence_seconds=15.0, resend_seconds=5.0, max_attempts=4)


def an_artifact(name: str = "file") -> Artifact:
    return Artifact(name=name, media_type="text/plain", size_bytes=1, sha256="a" * 64)


@functools.cache
def built_in() -> Catalog:
    """The catalog, read once: nobody changes it."""
    return load_catalog()


def migrated(url: str) -> Database:
    """With the newest tables, as the loop opens it. A file that is not there yet is a copy of one
    that was migrated; none outlives its test, so nothing is waited for until it is on the disk."""
    database = Database(url, by_key=True)
    if not database.is_sqlite:
        migrate(database)
        return database
    file = Path(str(database.url.database))
    if file.exists():
        migrate(database)
    else:
        file.write_bytes(_empty_file())
    event.listen(database.engine, "connect", _throw_away)
    return database


@functools.cache
def _empty_file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/farm.db")
        migrate(database)
        database.close()
        return Path(folder, "farm.db").read_bytes()


def _throw_away(connection: Any, _entry: object) -> None:
    connection.execute("PRAGMA synchronous=OFF")


@dataclass
class KeptLetters:
    """A carrier whose letters the test reads. `away`: the broker does not answer."""

    letters: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    away: bool = False

    def carry(self, task: str, queue: str, payloads: Sequence[dict[str, Any]]) -> None:
        if self.away:
            raise ConnectionError("the test says so")
        self.letters += [(task, queue, payload) for payload in payloads]


class FarmInHand:
    """Turned by `turn`; `reports` wait for the next turn."""

    def __init__(self, url: str, ahead_seconds: float = 0.0) -> None:
        self.clock, self.catalog = ManualClock(), built_in()
        self.database, self.carrier = migrated(url), KeptLetters()
        self.intake = Intake(
            self.database, self.catalog, self.clock, lambda: None, encoder="libx264"
        )
        self.loop = Loop(
            self.database,
            Dispatcher(self.database, self.carrier, self.clock),
            ReportTaker(self.catalog, PATIENCE, lease_seconds=20.0),
            Leader(self.database, self.clock, "test"),
            self.catalog,
            PATIENCE,
            self.clock,
            tick_seconds=1.0,
            ahead_seconds=ahead_seconds,
        )
        self.reports: list[object] = []
        self._count = 0

    def submit(self, *scenes: dict[str, Any], **more: Any) -> str:
        storyboard = Storyboard.model_validate({"scenes": scenes, **more})
        return self.intake.submit(storyboard, "anna", None, repr((scenes, more)))[0]

    def turn(self, seconds: float = 0.1) -> list[RunTask]:
        """Time passes, the loop turning each second; the reports are taken in the last turn. The
        tasks that were sent meanwhile."""
        self.carrier.letters.clear()
        while seconds > 1.0:
            self.clock.advance(1.0)
            self.loop.turn([])
            seconds -= 1.0
        self.clock.advance(seconds)
        self.loop.turn([self.reports.pop(0) for _ in range(len(self.reports))])
        return [self._order(p) for _, _, p in self.carrier.letters if p.get("type") == "run_task"]

    def orders(self) -> list[Any]:
        """Everything but tasks that the last turn sent."""
        return [read_order(p) for _, _, p in self.carrier.letters if p.get("type") != "run_task"]

    def _order(self, payload: dict[str, Any]) -> RunTask:
        order = read_order(payload)
        assert isinstance(order, RunTask)
        return order

    def _head(self, worker: str, boot: str) -> dict[str, Any]:
        self._count += 1
        head = {"report_id": f"r{self._count}", "worker_id": worker, "boot_id": boot}
        return {**head, "at": self.clock.now()}

    def _hand_in(self, report: Any) -> None:
        self.reports.append(report.model_dump(mode="json"))

    def hello(
        self, *devices: DeviceReport, worker: str = "w", boot: str = "b1", **more: Any
    ) -> None:
        known = {
            "models": tuple(self.catalog.models),
            "voices": tuple(self.catalog.voices),
            "node": worker,
            "version": "1",
            "cpus": 2,
            "ram_gib": 24.0,
        }
        head = self._head(worker, boot)
        self._hand_in(Hello(**head, **{**known, **more}, devices=devices or (CPU,)))

    def heartbeat(
        self, *named: str, worker: str = "w", boot: str = "b1", devices: Any = (CPU,)
    ) -> None:
        head = self._head(worker, boot)
        self._hand_in(Heartbeat(**head, devices=devices, attempts=named))

    def started(self, order: RunTask, worker: str = "w", boot: str = "b1") -> None:
        self._hand_in(Started(**self._head(worker, boot), attempt_id=order.attempt_id))

    def finished(
        self,
        order: RunTask,
        worker: str = "w",
        boot: str = "b1",
        measured: Measured | None = None,
        **more: Any,
    ) -> None:
        head = self._head(worker, boot)
        self._hand_in(
            Finished(
                **head,
                attempt_id=order.attempt_id,
                result=a_result(order, **more),
                measured=measured or Measured(run_seconds=1.5),
            )
        )

    def failed(
        self,
        order: RunTask,
        kind: FailureKind,
        sentence: str = "It broke.",
        measured: Measured | None = None,
    ) -> None:
        failure = Failure(kind=kind, sentence=sentence)
        head = self._head("w", "b1")
        given = measured or Measured()
        self._hand_in(Failed(**head, attempt_id=order.attempt_id, failure=failure, measured=given))

    def run_all(self, turns: int = 60) -> None:
        """Play a perfect worker until nothing more is sent."""
        for _ in range(turns):
            sent = self.turn()
            for order in sent:
                self.started(order)
                self.finished(order)
            if not sent and not self.reports:
                return

    def job(self, job_id: str) -> dict[str, Any]:
        with self.database.read() as connection:
            row = connection.execute(select(jobs).where(jobs.c.id == job_id)).mappings().one()
            return dict(row)

    def tasks(self, job_id: str) -> dict[str, dict[str, Any]]:
        """Rows by the part of the id after the job's."""
        with self.database.read() as connection:
            rows = connection.execute(select(tasks).where(tasks.c.job_id == job_id)).mappings()
            return {row["id"].removeprefix(job_id + "."): dict(row) for row in rows}

    def attempts(self) -> list[dict[str, Any]]:
        with self.database.read() as connection:
            return [dict(row) for row in connection.execute(select(attempts)).mappings()]

    def story(self, job_id: str | None = None) -> list[str]:
        query = select(events.c.type).order_by(events.c.seq)
        if job_id:
            query = query.where(events.c.job_id == job_id)
        with self.database.read() as connection:
            return list(connection.execute(query).scalars())

    def sentences(self, job_id: str) -> list[str]:
        query = select(events.c.sentence).where(events.c.job_id == job_id).order_by(events.c.seq)
        with self.database.read() as connection:
            return list(connection.execute(query).scalars())


def a_result(order: RunTask, seconds: float = 2.0, notes: tuple[str, ...] = ()) -> Result:
    """What a good worker would answer."""
    work = order.work
    if isinstance(work, VideoWork):
        assert work.frames is not None
        file = an_artifact()
        return VideoResult(
            clip=file, last_frame=file, thumbnail=file, frames=work.frames, notes=notes
        )
    if isinstance(work, ComposeWork):
        frames = sum(scene.frames for scene in work.scenes)
        file = an_artifact("film.mp4")
        return FilmResult(
            film=file,
            poster=file,
            sheet=file,
            subtitles=None,
            frames=frames,
            seconds=frames / work.fps,
            lufs=-16.0,
            true_peak_db=-1.5,
        )
    return VoiceResult(
        audio=an_artifact("line.wav"),
        sample_rate=24000,
        samples=round(seconds * 24000),
        natural_seconds=seconds,
        words=(),
        notes=notes,
    )


def sqlite(folder: Path) -> FarmInHand:
    """On a fresh SQLite file."""
    return FarmInHand(f"sqlite:///{folder / 'farm.db'}")
