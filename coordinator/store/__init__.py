"""The only SQLAlchemy: tables, guarded updates, events, outbox, snapshots."""
