"""Reports on their way to the coordinator. `finished` and `failed` lie on this disk until they are
acknowledged; the others are told once. A broker that is away never stops the worker.

The first report goes at once; those that come while it is on its way go together after it.
"""

from __future__ import annotations

import json
import logging
import math
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reelyard.clock import Clock
from reelyard.errors import Unreachable
from reelyard.messages import DURABLE_REPORTS, Report
from reelyard.wire import MOST_BYTES_IN_A_MESSAGE, MOST_IN_A_MESSAGE

log = logging.getLogger(__name__)
_WAITING_MOST = 2000
_LONGEST_PAUSE_SECONDS = 60.0
_PACE_SECONDS = 0.025
_SMALL_BYTES = 300
_REPEATED_MOST = 16
_DUE = """
with last as (select rowid as number, *, coalesce(sent_at, written_at) as told_at from reports)
select payload from last
where ?1 - told_at > min(max(?2, told_at - written_at), ?3) or told_at > ?1
order by number
"""
_KEEP = "insert or replace into reports values (?, ?, ?, null)"
_SCHEMA = """
create table if not exists reports (
    id text primary key, payload text not null, written_at real not null, sent_at real
)
"""


@dataclass(slots=True)
class _Arrival:
    """A report that waits to be written, by whichever thread comes first."""

    row: tuple[str, str, float]
    is_over: bool = False
    wrong: sqlite3.Error | None = None


class KeptReports:
    """The durable ones, on disk. Safe to use from any thread. Raises Unreachable."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._arrived: deque[_Arrival] = deque()
        try:
            self._file = _open(path)
        except (OSError, sqlite3.Error) as wrong:
            raise Unreachable(
                f"the worker's outbox {path} cannot be used: {wrong}.",
                "REELYARD_STATE must be a folder that this user may write to, on a disk with room.",
            ) from None

    def keep(self, report_id: str, payload: dict[str, object], now: float) -> int:
        """On disk when this returns: its size as JSON. What several threads keep at the same time
        is written together: a disk takes many reports as fast as one."""
        mine = _Arrival((report_id, json.dumps(payload), now))
        self._arrived.append(mine)
        with self._lock:
            if not mine.is_over:
                self._write_arrived()
        if mine.wrong is not None:
            raise mine.wrong
        return len(mine.row[1])

    def due(self, now: float, again_after: float) -> list[dict[str, object]]:
        """What was sent so long ago that it may be lost, or should have been by now; oldest first.

        Each pause is as long as all before it together, up to a minute: a coordinator that is away
        for hours does not find hours of repetitions.
        """
        rows = self._run(_DUE, (now, again_after, _LONGEST_PAUSE_SECONDS))
        return [json.loads(row[0]) for row in rows]

    def mark_sent(self, report_ids: Sequence[str], now: float) -> None:
        """They are on their way."""
        rows = [(now, report_id) for report_id in report_ids]
        self._run_many("update reports set sent_at = ? where id = ?", rows)

    def forget(self, report_ids: Sequence[str]) -> None:
        """They are in the coordinator's database."""
        rows = [(report_id,) for report_id in report_ids]
        self._run_many("delete from reports where id = ?", rows)

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

    def _run_many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        if rows:
            with self._lock:
                self._write(statement, rows)

    def _write(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """In one transaction. The lock is held."""
        self._file.execute("begin immediate")
        try:
            self._file.executemany(statement, rows)
            self._file.execute("commit")
        except BaseException:
            if self._file.in_transaction:  # a full disk may have ended it already
                self._file.execute("rollback")
            raise

    def _write_arrived(self) -> None:
        arrived = [self._arrived.popleft() for _ in range(len(self._arrived))]
        try:
            self._write(_KEEP, [arrival.row for arrival in arrived])
        except sqlite3.Error as wrong:
            for arrival in arrived:
                arrival.wrong = wrong
        finally:
            for arrival in arrived:
                arrival.is_over = True


@dataclass(frozen=True, slots=True)
class _Fresh:
    """A report that was just told. `size` is about its bytes as JSON."""

    payload: dict[str, object]
    size: int
    told_at: float


class Outbox:
    """One thread that sends, in order, whatever it is given."""

    def __init__(
        self,
        kept: KeptReports,
        carry: Callable[[Sequence[dict[str, object]]], None],
        clock: Clock,
        again_after: float = 3.0,
    ) -> None:
        self._kept, self._carry, self._clock = kept, carry, clock
        self._again_after = again_after
        self._fresh: queue.Queue[_Fresh | None] = queue.Queue(_WAITING_MOST)
        self._left: _Fresh | None = None
        self._looked_at = self._sent_at = -math.inf
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        """Begin to send; what an earlier run left goes first."""
        self._thread.start()

    def tell(self, report: Report) -> None:
        """Send this report, after those that were told before. `finished` and `failed` are on disk
        when this returns; where the disk takes nothing more they are sent all the same, once."""
        payload, now, size = report.model_dump(mode="json"), self._clock.now(), _SMALL_BYTES
        if report.type in DURABLE_REPORTS:
            with self._guarded("a report is not kept on disk"):
                size = self._kept.keep(report.report_id, payload, now)
        try:
            self._fresh.put_nowait(_Fresh(payload, size, now))
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
        while not (self._stopping.is_set() and self._left is None and self._fresh.empty()):
            with self._guarded("the outbox stumbled"):
                self._send_kept()
            fresh = self._next()
            if fresh:
                with self._guarded("the outbox stumbled"):
                    self._send([one.payload for one in fresh], min(one.told_at for one in fresh))

    @contextmanager
    def _guarded(self, what: str) -> Iterator[None]:
        """A worker whose outbox thread is dead would look dead itself: whatever happens is logged
        and the next report is sent."""
        try:
            yield
        except Exception:
            log.exception("%s", what)

    def _next(self) -> list[_Fresh]:
        """What goes in one message: the first that is told, and what comes before its time."""
        first = self._take(self._again_after / 3)
        found, size = [first] if first else [], first.size if first else 0
        while found and len(found) < MOST_IN_A_MESSAGE:
            more = self._take(self._sent_at + _PACE_SECONDS - self._clock.monotonic())
            if more is None or size + more.size > MOST_BYTES_IN_A_MESSAGE:
                self._left = more
                break
            found.append(more)
            size += more.size
        return found

    def _take(self, seconds: float) -> _Fresh | None:
        left, self._left = self._left, None
        if left is not None:
            return left
        try:
            return self._fresh.get(timeout=seconds) if seconds > 0 else self._fresh.get_nowait()
        except queue.Empty:
            return None

    def _send_kept(self) -> None:
        """Looked for a few times before any of it can be due again."""
        now = self._clock.monotonic()
        if now - self._looked_at < self._again_after / 3:
            return
        self._looked_at = now
        due = self._kept.due(self._clock.now(), self._again_after)
        for start in range(0, len(due), _REPEATED_MOST):
            if not self._send(due[start : start + _REPEATED_MOST], told_at=-math.inf):
                return

    def _send(self, payloads: Sequence[dict[str, object]], told_at: float) -> bool:
        """`told_at`: of the oldest. One that is sent as soon as it was kept needs no mark."""
        try:
            self._carry(payloads)
        except ConnectionError as away:
            log.warning("the broker is away: %s", away)
            return False
        finally:
            self._sent_at = self._clock.monotonic()
        now = self._clock.now()
        if not 0 <= now - told_at < self._again_after / 3:
            kept = [str(p["report_id"]) for p in payloads if p.get("type") in DURABLE_REPORTS]
            self._kept.mark_sent(kept, now)
        return True


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    file.execute("pragma journal_mode=wal")
    file.execute("pragma synchronous=full")
    file.execute(_SCHEMA)
    return file
