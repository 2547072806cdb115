"""Workers and their devices, as they last described themselves; leases of what they run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, insert, select, update

from coordinator.core.lifecycle import WORKER, WorkerEvent, advance
from coordinator.store.bulk import among
from coordinator.store.farm import OPEN_ATTEMPT
from coordinator.store.tables import attempts, devices, workers
from reelyard.messages import DeviceReport, Hello
from reelyard.predict.forecast import Host
from reelyard.states import WorkerState

_BOOTS = select(workers.c.id, workers.c.boot_id).where(among(workers.c.id))
_HOSTS = select(workers.c.id, workers.c.ram_gib, workers.c.read_gb_s).where(among(workers.c.id))


def enrol(connection: Connection, hello: Hello, now: float) -> str:
    """Write down who has come. Answers `new`, `back` (another boot) or `known`."""
    row = connection.execute(select(workers).where(workers.c.id == hello.worker_id)).one_or_none()
    state = advance(WORKER, WorkerState(row.state), WorkerEvent.APPEAR) if row else None
    values = {
        "boot_id": hello.boot_id,
        "node": hello.node,
        "state": state or WorkerState.ONLINE,
        "version": hello.version,
        "cpus": hello.cpus,
        "ram_gib": hello.ram_gib,
        "read_gb_s": hello.read_gb_s,
        "models": list(hello.models),
        "voices": list(hello.voices),
        "tags": list(hello.tags),
        "storage": hello.storage,
        "last_seen": now,
        "hello": hello.model_dump(mode="json"),
    }
    if row is None:
        connection.execute(insert(workers).values(id=hello.worker_id, **values))
    else:
        connection.execute(update(workers).where(workers.c.id == hello.worker_id).values(**values))
    _replace_devices(connection, hello.worker_id, hello.devices)
    if row is None:
        return "new"
    return "known" if row.boot_id == hello.boot_id and row.state == values["state"] else "back"


def hear(
    connection: Connection,
    worker_id: str,
    boot_id: str,
    reported: Sequence[DeviceReport],
    now: float,
) -> bool:
    """A sign of life. False when this boot of the worker is not known: it has to say hello."""
    seen = (
        update(workers)
        .where(workers.c.id == worker_id, workers.c.boot_id == boot_id)
        .where(workers.c.state != WorkerState.OFFLINE)
        .values(last_seen=now)
    )
    if connection.execute(seen).rowcount == 0:
        return False
    _replace_devices(connection, worker_id, reported)
    return True


def renew(connection: Connection, worker_id: str, named: Sequence[str], lease_until: float) -> None:
    """The worker still has these attempts."""
    if named:
        connection.execute(
            update(attempts)
            .where(
                attempts.c.worker_id == worker_id,
                attempts.c.id.in_(named),
                attempts.c.state.in_(OPEN_ATTEMPT),
            )
            .values(lease_until=lease_until)
        )


def not_wanted(connection: Connection, worker_id: str, named: Sequence[str]) -> list[str]:
    """Of these attempts, those that nobody waits for any more."""
    if not named:
        return []
    query = select(attempts.c.id).where(
        attempts.c.worker_id == worker_id,
        attempts.c.id.in_(named),
        attempts.c.state.not_in(OPEN_ATTEMPT),
    )
    return list(connection.execute(query).scalars())


def sign_off(connection: Connection, worker_id: str, boot_id: str | None = None) -> bool:
    """The worker is gone. False when it was not there, or is another boot by now."""
    gone = update(workers).where(workers.c.id == worker_id, workers.c.state != WorkerState.OFFLINE)
    if boot_id is not None:
        gone = gone.where(workers.c.boot_id == boot_id)
    return connection.execute(gone.values(state=WorkerState.OFFLINE)).rowcount == 1


def boots_of(connection: Connection, worker_ids: Iterable[str]) -> dict[str, str]:
    """The boots that are alive, by worker."""
    rows = connection.execute(_BOOTS, {"ids": sorted(set(worker_ids))})
    return {row.id: row.boot_id for row in rows}


def _replace_devices(
    connection: Connection, worker_id: str, reported: Sequence[DeviceReport]
) -> None:
    connection.execute(delete(devices).where(devices.c.worker_id == worker_id))
    if reported:
        connection.execute(insert(devices), [_row(worker_id, device) for device in reported])


def hosts_of(connection: Connection, worker_ids: Iterable[str]) -> dict[str, Host]:
    """What is known of the workers' nodes; workers that are not known are left out."""
    rows = connection.execute(_HOSTS, {"ids": sorted(set(worker_ids))})
    return {row.id: Host(row.ram_gib, row.read_gb_s) for row in rows}


def _row(worker_id: str, device: DeviceReport) -> dict[str, object]:
    described = device.model_dump(mode="json", include=set(devices.c.keys()))
    return {"worker_id": worker_id, **described}
