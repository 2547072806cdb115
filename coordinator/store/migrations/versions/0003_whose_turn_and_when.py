"""Whose turn it is, and when: bands, deadlines, holds, house rules, accounts"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_JOB_COLUMNS = ("tags", "pools", "rank", "held_because", "start_after", "deadline", "band")
_TASK_COLUMNS = ("preemptions", "checkpoint")
_ATTEMPT_COLUMNS = ("ends_at", "members", "lane")


def upgrade() -> None:
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.add_column(_text("band", 20, "normal"))
        batch_op.add_column(sa.Column("deadline", sa.Float()))
        batch_op.add_column(sa.Column("start_after", sa.Float()))
        batch_op.add_column(sa.Column("held_because", sa.Text(), comment="NULL: not held."))
        batch_op.add_column(sa.Column("rank", sa.Float(), nullable=False, server_default="0"))
        batch_op.add_column(_list("pools"))
        batch_op.add_column(_list("tags"))
    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("checkpoint", sa.JSON(), comment="A Checkpoint."))
        batch_op.add_column(
            sa.Column("preemptions", sa.Integer(), nullable=False, server_default="0")
        )
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.add_column(_text("lane", 10, "main"))
        batch_op.add_column(_list("members", "[worker, device] of a gang's other devices."))
        batch_op.add_column(sa.Column("ends_at", sa.Float()))
    with op.batch_alter_table("workers", schema=None) as batch_op:
        batch_op.add_column(_list("tags"))
        batch_op.add_column(_text("storage", 100))
    op.create_table(
        "rules",
        sa.Column("revision", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("text", sa.Text(), nullable=False, comment="As it was sent."),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_rules")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "accounts",
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("used", sa.Float(), nullable=False, comment="Priced seconds over the weight."),
        sa.Column("at", sa.Float(), nullable=False, comment="When that was so; it decays."),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_accounts")),
    )
    op.create_table(
        "touched",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="job, task, worker, rules"),
        sa.Column("ref", sa.String(length=140), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_touched")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    for table in ("touched", "accounts", "rules"):
        op.drop_table(table)
    _drop("workers", ("storage", "tags"))
    _drop("attempts", _ATTEMPT_COLUMNS)
    _drop("tasks", _TASK_COLUMNS)
    _drop("jobs", _JOB_COLUMNS)


def _drop(table: str, names: tuple[str, ...]) -> None:
    with op.batch_alter_table(table, schema=None) as batch_op:
        for name in names:
            batch_op.drop_column(name)


def _text(name: str, length: int, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=False, server_default=default)


def _list(name: str, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.JSON(), nullable=False, server_default="[]", comment=comment)
