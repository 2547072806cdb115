"""The composition root of the coordinator: who is made of what. Nothing else wires parts."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from celery import Celery

from coordinator.core.recover import Patience
from coordinator.dispatch import CeleryCarrier, Dispatcher, make_celery
from coordinator.intake import Intake
from coordinator.leader import Leader
from coordinator.loop import Loop
from coordinator.reports import ReportTaker
from coordinator.store.database import Database
from coordinator.store.rules import most_waiting
from reelyard.catalog import Catalog, load_catalog
from reelyard.clock import Clock, SystemClock
from reelyard.errors import InvalidInput, Problem
from reelyard.settings import Settings
from reelyard.wire import REPORT_TASK, REPORTS_QUEUE, WAKE_TASK


@dataclass(frozen=True, slots=True)
class Coordinator:
    """The loop and the Celery app that feeds it."""

    loop: Loop
    celery: Celery
    database: Database


def make_database(settings: Settings, by_key: bool = False) -> Database:
    """The farm's database; SQLite in the state folder when none is named."""
    folder = settings.state.resolve()
    return Database(settings.database_url or f"sqlite:///{folder / 'farm.db'}", by_key)


def make_intake(settings: Settings, database: Database, catalog: Catalog, clock: Clock) -> Intake:
    """For the API's process."""
    carrier = CeleryCarrier(make_celery(broker_of(settings)))
    return Intake(database, catalog, clock, carrier.wake, settings.encoder, most_waiting)


def make_coordinator(settings: Settings) -> Coordinator:
    """For the loop's process."""
    clock, database = SystemClock(), make_database(settings, by_key=True)
    catalog = load_catalog(settings.catalog_file)
    celery = make_celery(broker_of(settings))
    patience = Patience(settings.silence_seconds, settings.resend_seconds, settings.max_attempts)
    loop = Loop(
        database,
        Dispatcher(database, CeleryCarrier(celery), clock),
        ReportTaker(catalog, patience, settings.lease_seconds),
        Leader(database, clock, f"{socket.gethostname()}:{os.getpid()}"),
        catalog,
        patience,
        clock,
        settings.tick_seconds,
        settings.ahead_seconds,
    )
    _listen(celery, loop)
    return Coordinator(loop, celery, database)


def run_loop(settings: Settings) -> None:
    """The loop's process, until SIGTERM."""
    coordinator = make_coordinator(settings)
    coordinator.loop.start()
    try:
        coordinator.celery.worker_main(
            [
                "worker",
                *("--pool", "solo"),
                *("--queues", REPORTS_QUEUE, "--hostname", "coordinator@%h"),
                *("--without-gossip", "--without-mingle", "--loglevel", "WARNING"),
            ]
        )
    finally:
        coordinator.loop.stop()
        coordinator.database.close()


def _listen(celery: Celery, loop: Loop) -> None:
    @celery.task(name=REPORT_TASK)  # type: ignore[untyped-decorator]
    def report(payload: object) -> None:
        loop.hand_in(payload)

    @celery.task(name=WAKE_TASK)  # type: ignore[untyped-decorator]
    def wake(_payload: object) -> None:
        loop.ring()


def broker_of(settings: Settings) -> str:
    """The broker's address. Raises InvalidInput when none is set."""
    if settings.broker_url:
        return settings.broker_url
    raise InvalidInput(
        [
            Problem(
                field="REELYARD_BROKER_URL",
                message="is not set",
                remedy="Name a Redis or Valkey, such as redis://:PASSWORD@127.0.0.1:6379/0; "
                "`reelyard up` brings its own.",
            )
        ]
    )
