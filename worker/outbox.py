"""Reports on their way to the coordinator. `finished` and `failed` lie on this disk until they are
acknowledged; the others are told once. A broker that is away never stops the worker.
"""

from __future__ import annotations

import json
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from reelyard.clock import Clock
from reelyard.errors import Unreachable
from reelyard.messages import DURABLE_REPORTS, Report

log = logging.getLogger(__name__)
_WAITING_MOST = 2000
_LONGEST_PAUSE_SECONDS = 60.0
_DUE = """
with last as (select rowid as number, *, coalesce(sent_at, written_at) as told_at from reports)
select payload from last
where ?1 - told_at > min(max(?2, told_at - written_at), ?3) or told_at > ?1
order by number
"""
_SCHEMA = """
create table if not exists reports (
    id text primary key, payload text not null, written_at real not null, sent_at real
)
"""


class KeptReports:
    """The durable ones, on disk. Safe to use from any thread. Raises Unreachable."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            self._file = _open(path)
        except (OSError, sqlite3.Error) as wrong:
            raise Unreachable(
                f"the worker's outbox {path} cannot be used: {wrong}.",
                "REELYARD_STATE must be a folder that this user may write to, on a disk with room.",
            ) from None

    def keep(self, report_id: str, payload: dict[str, object], now: float) -> None:
        """On disk when this returns."""
        row = (report_id, json.dumps(payload), now)
        self._run("insert or replace into reports values (?, ?, ?, null)", row)

    def due(self, now: float, again_after: float) -> list[dict[str, object]]:
        """What was sent so long ago that it may be lost, or should have been by now; oldest first.

        Each pause is as long as all before it together, up to a minute: a coordinator that is away
        for hours does not find hours of repetitions.
        """
        rows = self._run(_DUE, (now, again_after, _LONGEST_PAUSE_SECONDS))
        return [json.loads(row[0]) for row in rows]

    def mark_sent(self, report_id: str, now: float) -> None:
        """It is on its way."""
        self._run("update reports set sent_at = ? where id = ?", (now, report_id))

    def forget(self, report_ids: Sequence[str]) -> None:
        """They are in the coordinator's database."""
        for report_id in report_ids:
            self._run("delete from reports where id = ?", (report_id,))

    def count(self) -> int:
        """How many are still kept."""
        return int(self._run("select count(*) from reports", ())[0][0])

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._file.close()

    def _run(self, statement: str, values: Sequence[object]) -> list[tuple[str, ...]]:
        with self._lock:
            return list(self._file.execute(statement, values))


class Outbox:
    """One thread that sends, in order, whatever it is given."""

    def __init__(
        self,
        kept: KeptReports,
        carry: Callable[[dict[str, object]], None],
        clock: Clock,
        again_after: float = 3.0,
    ) -> None:
        self._kept, self._carry, self._clock = kept, carry, clock
        self._again_after = again_after
        self._fresh: queue.Queue[dict[str, object] | None] = queue.Queue(_WAITING_MOST)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        """Begin to send; what an earlier run left goes first."""
        self._thread.start()

    def tell(self, report: Report) -> None:
        """Send this report, after those that were told before. `finished` and `failed` are on disk
        when this returns; where the disk takes nothing more they are sent all the same, once."""
        payload = report.model_dump(mode="json")
        if report.type in DURABLE_REPORTS:
            with self._guarded("a report is not kept on disk"):
                self._kept.keep(report.report_id, payload, self._clock.now())
        try:
            self._fresh.put_nowait(payload)
        except queue.Full:
            log.warning("too many reports wait for the broker; a %s is not sent", report.type)

    def forget(self, report_ids: Sequence[str]) -> None:
        """The coordinator has them."""
        with self._guarded("reports are not forgotten"):
            self._kept.forget(report_ids)

    def stop(self, seconds: float = 3.0) -> None:
        """Send what is there, if the broker answers, and end."""
        self._stopping.set()
        self._nudge()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _nudge(self) -> None:
        try:
            self._fresh.put_nowait(None)
        except queue.Full:
            return

    def _run(self) -> None:
        while not (self._stopping.is_set() and self._fresh.empty()):
            with self._guarded("the outbox stumbled"):
                self._send_kept()
            fresh = self._next()
            if fresh is not None:
                with self._guarded("the outbox stumbled"):
                    self._send(fresh)

    @contextmanager
    def _guarded(self, what: str) -> Iterator[None]:
        """A worker whose outbox thread is dead would look dead itself: whatever happens is logged
        and the next report is sent."""
        try:
            yield
        except Exception:
            log.exception("%s", what)

    def _next(self) -> dict[str, object] | None:
        try:
            return self._fresh.get(timeout=self._again_after / 3)
        except queue.Empty:
            return None

    def _send_kept(self) -> None:
        for payload in self._kept.due(self._clock.now(), self._again_after):
            if not self._send(payload):
                return

    def _send(self, payload: dict[str, object]) -> bool:
        try:
            self._carry(payload)
        except ConnectionError as away:
            log.warning("the broker is away: %s", away)
            return False
        if payload.get("type") in DURABLE_REPORTS:
            self._kept.mark_sent(str(payload["report_id"]), self._clock.now())
        return True


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    file.execute("pragma journal_mode=wal")
    file.execute("pragma synchronous=full")
    file.execute(_SCHEMA)
    return file
