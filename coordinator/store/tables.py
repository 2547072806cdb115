"""The tables. Times are float seconds since 1970, UTC; lists and messages are JSON.

Only `coordinator.store` may import this. Nothing here decides what a state may become.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_SERIAL = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER counts by itself on SQLite


def _text(name: str, length: int, default: str = "") -> Column[str]:
    return Column(name, String(length), nullable=False, default=default, server_default=default)


def _list(name: str, comment: str | None = None) -> Column[object]:
    return Column(name, JSON, nullable=False, default=list, server_default="[]", comment=comment)


jobs = Table(
    "jobs",
    metadata,
    Column("id", String(100), primary_key=True),
    Column("title", String(200), nullable=False),
    Column("state", String(20), nullable=False),
    Column("owner", String(100), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("scenes", Integer, nullable=False),
    Column("storyboard", JSON, nullable=False),
    Column("source", Text, nullable=False, comment="What was sent, as it was sent."),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("ended_at", Float),
    Column("failure", Text),
    Column("warnings", JSON, nullable=False),
    Column("film", JSON, comment="A FilmResult."),
    Column("idempotency_key", String(200)),
    Column("body_hash", String(64), nullable=False),
    _text("band", 20, "normal"),
    Column("deadline", Float),
    Column("start_after", Float),
    Column("held_because", Text, comment="NULL: not held."),
    Column("rank", Float, nullable=False, default=0.0, server_default="0"),  # lower goes first
    _list("pools"),
    _list("tags"),
    UniqueConstraint("owner", "idempotency_key"),
    Index(None, "state", "created_at"),
    Index(None, "created_at", "id"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", String(120), primary_key=True),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("scene", Integer, comment="From 0; empty for the film."),
    Column("role", String(20), nullable=False),
    Column("label", String(100), nullable=False),
    Column("state", String(20), nullable=False),
    Column("work", JSON, nullable=False, comment="A Work, before the results of its needs."),
    Column("model", String(100), nullable=False, comment="A model or a voice; empty: compose."),
    Column("shape", String(200), nullable=False),
    Column("continues", Boolean, nullable=False, comment="Starts from its last need's picture."),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("ended_at", Float),
    Column("not_before", Float, nullable=False),
    Column("because", Text, nullable=False),
    Column("attempt_count", Integer, nullable=False),
    Column("attempt_id", String(140), comment="The open or the last attempt."),
    Column("result", JSON, comment="A Result."),
    Column("phase", String(20), nullable=False),
    Column("step", Integer, nullable=False),
    Column("steps", Integer, nullable=False),
    Column("notes", JSON, nullable=False),
    Column("checkpoint", JSON, comment="A Checkpoint."),
    Column("preemptions", Integer, nullable=False, default=0, server_default="0"),
    Index(None, "state", "kind"),
    Index(None, "job_id", "scene"),
    Index(None, "ended_at"),
)

edges = Table(
    "edges",
    metadata,
    Column("task_id", ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True),
    Column("needs", ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True),
    Index(None, "needs"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", String(140), primary_key=True),
    Column("task_id", ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("worker_id", String(100), nullable=False),
    Column("device_id", String(100), nullable=False),
    Column("boot_id", String(100), nullable=False),
    Column("because", Text, nullable=False),
    Column("plan", JSON, nullable=False, comment="A Plan."),
    Column("created_at", Float, nullable=False),
    Column("sent_at", Float, nullable=False, comment="When it was last handed to the outbox."),
    Column("started_at", Float),
    Column("ended_at", Float),
    Column("lease_until", Float, nullable=False),
    Column("failure_kind", String(30)),
    Column("failure", Text),
    Column("failure_detail", Text),
    Column("load_seconds", Float),
    Column("run_seconds", Float),
    Column("peak_gib", Float),
    Column("device_type", String(100), nullable=False, default="", server_default=""),
    Column("predicted_gib", Float),  # what it should never exceed
    Column("predicted_peak_gib", Float),  # what the worker's meter should show
    Column("predicted_seconds", Float),  # of one clip, with the model in memory
    Column("predicted_load_seconds", Float),
    Column("warm", Boolean),
    _text("lane", 10, "main"),
    _list("members", "[worker, device] of a gang's other devices."),
    Column("ends_at", Float),  # predicted
    Column("power_cap", Float, comment="Share of the power limit; NULL: all of it."),
    UniqueConstraint("task_id", "number"),
    Index(None, "state"),
    Index(None, "job_id"),
    Index(None, "worker_id", "state"),
)

workers = Table(
    "workers",
    metadata,
    Column("id", String(100), primary_key=True),
    Column("boot_id", String(100), nullable=False),
    Column("node", String(200), nullable=False),
    Column("state", String(20), nullable=False),
    Column("version", String(50), nullable=False),
    Column("cpus", Integer, nullable=False),
    Column("ram_gib", Float, nullable=False),
    Column("read_gb_s", Float),  # measured, of the disk that holds the models
    Column("models", JSON, nullable=False),
    Column("voices", JSON, nullable=False),
    Column("last_seen", Float, nullable=False, comment="By the coordinator's clock."),
    Column("hello", JSON, nullable=False),
    _list("tags"),
    _text("storage", 100),
)

devices = Table(
    "devices",
    metadata,
    Column("worker_id", ForeignKey("workers.id", ondelete="CASCADE"), primary_key=True),
    Column("id", String(100), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("name", String(200), nullable=False),
    Column("type", String(100), nullable=False, default="", server_default=""),
    Column("memory_gib", Float, nullable=False),
    Column("free_gib", Float, nullable=False),
    Column("foreign_gib", Float, nullable=False),
    Column("unified", Boolean, nullable=False),
    Column("utilisation", Float),
    Column("temperature_c", Float),
    Column("power_w", Float),
    Column("power_limit_w", Float),
    Column("resident", JSON, nullable=False, comment="[{model, gib}]"),
    Column("running", JSON, nullable=False, comment="Attempt ids, as the worker last said."),
)

events = Table(
    "events",
    metadata,
    Column("seq", _SERIAL, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("type", String(40), nullable=False),
    Column("job_id", String(100)),
    Column("task_id", String(120)),
    Column("attempt_id", String(140)),
    Column("worker_id", String(100)),
    Column("sentence", Text, nullable=False),
    Column("data", JSON, nullable=False),
    Index(None, "job_id", "seq"),
    Index(None, "type", "at"),
    sqlite_autoincrement=True,
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("queue", String(120), nullable=False),
    Column("task", String(100), nullable=False, comment="A Celery task name."),
    Column("payload", JSON, nullable=False),
    Column("attempt_id", String(140), comment="Of a RunTask: it may have to be sent again."),
    Column("created_at", Float, nullable=False),
    Column("sent_at", Float),
    Index(None, "sent_at"),
    Index(None, "attempt_id"),
)

lessons = Table(
    "lessons",
    metadata,
    Column("model", String(100), primary_key=True),
    Column("plan", String(200), primary_key=True, comment="A plan's sentence."),
    Column("device", String(100), primary_key=True, comment="A type's id."),
    Column("runs", Integer, nullable=False),
    Column("timed", Integer, nullable=False),
    Column("memory", Float, nullable=False),
    Column("most_memory", Float, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("spread", Float, nullable=False),
    Column("load", Float, nullable=False),
    Column("loads", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("updated_at", Float, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("secret_hash", String(64), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("last_used_at", Float),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(50), primary_key=True),
    Column("holder", String(100), nullable=False),
    Column("until", Float, nullable=False),
    Column("fencing", BigInteger, nullable=False),
)

rules = Table(
    "rules",
    metadata,
    Column("revision", _SERIAL, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("who", String(100), nullable=False),
    Column("text", Text, nullable=False, comment="As it was sent."),
    sqlite_autoincrement=True,
)

accounts = Table(
    "accounts",
    metadata,
    Column("owner", String(100), primary_key=True),
    Column("used", Float, nullable=False, comment="Priced seconds over the weight."),
    Column("at", Float, nullable=False, comment="When that was so; it decays."),
)

touched = Table(
    "touched",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("kind", String(20), nullable=False, comment="job, task, worker, rules"),
    Column("ref", String(140), nullable=False),
    sqlite_autoincrement=True,
)
