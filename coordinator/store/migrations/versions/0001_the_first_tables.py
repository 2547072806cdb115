"""The first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("job_id", sa.String(length=100), nullable=True),
        sa.Column("task_id", sa.String(length=120), nullable=True),
        sa.Column("attempt_id", sa.String(length=140), nullable=True),
        sa.Column("worker_id", sa.String(length=100), nullable=True),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_events_job_id_seq"), ["job_id", "seq"], unique=False)
        batch_op.create_index(batch_op.f("ix_events_type_at"), ["type", "at"], unique=False)

    op.create_table(
        "jobs",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("scenes", sa.Integer(), nullable=False),
        sa.Column("storyboard", sa.JSON(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False, comment="What was sent, as it was sent."),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=True),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("film", sa.JSON(), nullable=True, comment="A FilmResult."),
        sa.Column("idempotency_key", sa.String(length=200), nullable=True),
        sa.Column("body_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("owner", "idempotency_key", name=op.f("uq_jobs_owner_idempotency_key")),
    )
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_jobs_created_at_id"), ["created_at", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_jobs_state_created_at"), ["state", "created_at"], unique=False
        )

    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("holder", sa.String(length=100), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.Column("fencing", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "outbox",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("queue", sa.String(length=120), nullable=False),
        sa.Column("task", sa.String(length=100), nullable=False, comment="A Celery task name."),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column(
            "attempt_id",
            sa.String(length=140),
            nullable=True,
            comment="Of a RunTask: it may have to be sent again.",
        ),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("sent_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outbox_attempt_id"), ["attempt_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_outbox_sent_at"), ["sent_at"], unique=False)

    op.create_table(
        "tokens",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("last_used_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
    )
    op.create_table(
        "workers",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("boot_id", sa.String(length=100), nullable=False),
        sa.Column("node", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.String(length=50), nullable=False),
        sa.Column("cpus", sa.Integer(), nullable=False),
        sa.Column("ram_gib", sa.Float(), nullable=False),
        sa.Column("models", sa.JSON(), nullable=False),
        sa.Column("voices", sa.JSON(), nullable=False),
        sa.Column("last_seen", sa.Float(), nullable=False, comment="By the coordinator's clock."),
        sa.Column("hello", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
    )
    op.create_table(
        "devices",
        sa.Column("worker_id", sa.String(length=100), nullable=False),
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("memory_gib", sa.Float(), nullable=False),
        sa.Column("free_gib", sa.Float(), nullable=False),
        sa.Column("foreign_gib", sa.Float(), nullable=False),
        sa.Column("unified", sa.Boolean(), nullable=False),
        sa.Column("utilisation", sa.Float(), nullable=True),
        sa.Column("temperature_c", sa.Float(), nullable=True),
        sa.Column("power_w", sa.Float(), nullable=True),
        sa.Column("resident", sa.JSON(), nullable=False, comment="[{model, gib}]"),
        sa.Column(
            "running", sa.JSON(), nullable=False, comment="Attempt ids, as the worker last said."
        ),
        sa.ForeignKeyConstraint(
            ["worker_id"], ["workers.id"], name=op.f("fk_devices_worker_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("worker_id", "id", name=op.f("pk_devices")),
    )
    op.create_table(
        "tasks",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("job_id", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("scene", sa.Integer(), nullable=True, comment="From 0; empty for the film."),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column(
            "work", sa.JSON(), nullable=False, comment="A Work, before the results of its needs."
        ),
        sa.Column(
            "model",
            sa.String(length=100),
            nullable=False,
            comment="A model or a voice; empty: compose.",
        ),
        sa.Column("shape", sa.String(length=200), nullable=False),
        sa.Column(
            "continues",
            sa.Boolean(),
            nullable=False,
            comment="Starts from its last need's picture.",
        ),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=True),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("not_before", sa.Float(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column(
            "attempt_id",
            sa.String(length=140),
            nullable=True,
            comment="The open or the last attempt.",
        ),
        sa.Column("result", sa.JSON(), nullable=True, comment="A Result."),
        sa.Column("phase", sa.String(length=20), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_tasks_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
    )
    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tasks_ended_at"), ["ended_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_tasks_job_id_scene"), ["job_id", "scene"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_tasks_state_kind"), ["state", "kind"], unique=False)

    op.create_table(
        "attempts",
        sa.Column("id", sa.String(length=140), nullable=False),
        sa.Column("task_id", sa.String(length=120), nullable=False),
        sa.Column("job_id", sa.String(length=100), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("worker_id", sa.String(length=100), nullable=False),
        sa.Column("device_id", sa.String(length=100), nullable=False),
        sa.Column("boot_id", sa.String(length=100), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False, comment="A Plan."),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column(
            "sent_at", sa.Float(), nullable=False, comment="When it was last handed to the outbox."
        ),
        sa.Column("started_at", sa.Float(), nullable=True),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("lease_until", sa.Float(), nullable=False),
        sa.Column("failure_kind", sa.String(length=30), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("failure_detail", sa.Text(), nullable=True),
        sa.Column("load_seconds", sa.Float(), nullable=True),
        sa.Column("run_seconds", sa.Float(), nullable=True),
        sa.Column("peak_gib", sa.Float(), nullable=True),
        sa.Column("predicted_gib", sa.Float(), nullable=True),
        sa.Column("warm", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_attempts_job_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["tasks.id"], name=op.f("fk_attempts_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.UniqueConstraint("task_id", "number", name=op.f("uq_attempts_task_id_number")),
    )
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attempts_job_id"), ["job_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_attempts_state"), ["state"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_attempts_worker_id_state"), ["worker_id", "state"], unique=False
        )

    op.create_table(
        "edges",
        sa.Column("task_id", sa.String(length=120), nullable=False),
        sa.Column("needs", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(
            ["needs"], ["tasks.id"], name=op.f("fk_edges_needs"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["tasks.id"], name=op.f("fk_edges_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_id", "needs", name=op.f("pk_edges")),
    )
    with op.batch_alter_table("edges", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_edges_needs"), ["needs"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("edges", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_edges_needs"))

    op.drop_table("edges")
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attempts_worker_id_state"))
        batch_op.drop_index(batch_op.f("ix_attempts_state"))
        batch_op.drop_index(batch_op.f("ix_attempts_job_id"))

    op.drop_table("attempts")
    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tasks_state_kind"))
        batch_op.drop_index(batch_op.f("ix_tasks_job_id_scene"))
        batch_op.drop_index(batch_op.f("ix_tasks_ended_at"))

    op.drop_table("tasks")
    op.drop_table("devices")
    op.drop_table("workers")
    op.drop_table("tokens")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outbox_sent_at"))
        batch_op.drop_index(batch_op.f("ix_outbox_attempt_id"))

    op.drop_table("outbox")
    op.drop_table("leases")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_jobs_state_created_at"))
        batch_op.drop_index(batch_op.f("ix_jobs_created_at_id"))

    op.drop_table("jobs")
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_events_type_at"))
        batch_op.drop_index(batch_op.f("ix_events_job_id_seq"))

    op.drop_table("events")
