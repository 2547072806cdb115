"""Predictions and lessons"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lessons",
        sa.Column("model", sa.String(length=100), nullable=False),
        sa.Column("plan", sa.String(length=200), nullable=False, comment="A plan's sentence."),
        sa.Column("device", sa.String(length=100), nullable=False, comment="A type's id."),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("timed", sa.Integer(), nullable=False),
        sa.Column("memory", sa.Float(), nullable=False),
        sa.Column("most_memory", sa.Float(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("spread", sa.Float(), nullable=False),
        sa.Column("load", sa.Float(), nullable=False),
        sa.Column("loads", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("model", "plan", "device", name=op.f("pk_lessons")),
    )
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.add_column(_type("device_type"))
        for name in ("predicted_peak_gib", "predicted_seconds", "predicted_load_seconds"):
            batch_op.add_column(sa.Column(name, sa.Float(), nullable=True))
    with op.batch_alter_table("devices", schema=None) as batch_op:
        batch_op.add_column(_type("type"))
        batch_op.add_column(sa.Column("power_limit_w", sa.Float(), nullable=True))
    with op.batch_alter_table("workers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("read_gb_s", sa.Float(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("workers", schema=None) as batch_op:
        batch_op.drop_column("read_gb_s")
    with op.batch_alter_table("devices", schema=None) as batch_op:
        batch_op.drop_column("power_limit_w")
        batch_op.drop_column("type")
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        for name in ("predicted_load_seconds", "predicted_seconds", "predicted_peak_gib"):
            batch_op.drop_column(name)
        batch_op.drop_column("device_type")
    op.drop_table("lessons")


def _type(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=100), nullable=False, server_default="")
