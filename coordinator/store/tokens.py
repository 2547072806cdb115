"""Who may ask: tokens `reelyard_<id>_<secret>`, of which only a hash is kept.

The secret is 256 random bits, so one SHA-256 is enough: there is nothing to guess. Never logs one.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from sqlalchemy import delete, insert, select, update

from coordinator.store.database import AWAY, Database
from coordinator.store.tables import tokens
from coordinator.store.view_shapes import moment, moment_or_none
from reelyard.clock import Clock
from reelyard.errors import NotFound, Unauthorized
from reelyard.resources import TokenCreated, TokenList, TokenView

_FORM = re.compile(r"^reelyard_([a-z0-9]{8})_([A-Za-z0-9_-]{43})\Z")
_NOTED_EVERY_SECONDS = 60.0


class Tokens:
    """Makes, lists, checks and revokes tokens."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def create(self, name: str) -> TokenCreated:
        """A fresh token; its secret is never shown again."""
        token_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        now = self._clock.now()
        with self._database.write() as connection:
            connection.execute(
                insert(tokens).values(
                    id=token_id, name=name, secret_hash=_hash(secret), created_at=now
                )
            )
        return TokenCreated(
            id=token_id,
            name=name,
            created_at=moment(now),
            secret=f"reelyard_{token_id}_{secret}",
        )

    def check(self, token: str) -> TokenView:
        """Whose token it is. Raises Unauthorized."""
        form = _FORM.match(token)
        token_id, secret = (form[1], form[2]) if form else ("", "")
        with self._database.read() as connection:
            row = connection.execute(select(tokens).where(tokens.c.id == token_id)).one_or_none()
        known = row.secret_hash if row is not None else _hash("")
        if not hmac.compare_digest(known, _hash(secret)) or row is None:
            raise Unauthorized("This token is not one of this farm, or it was revoked.")
        self._note_use(row.id, row.last_used_at)
        return TokenView(
            id=row.id,
            name=row.name,
            created_at=moment(row.created_at),
            last_used_at=moment_or_none(row.last_used_at),
        )

    def list(self) -> TokenList:
        """All tokens, oldest first, without their secrets."""
        query = select(
            tokens.c.id, tokens.c.name, tokens.c.created_at, tokens.c.last_used_at
        ).order_by(tokens.c.created_at, tokens.c.id)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return TokenList(
            data=[
                TokenView(
                    id=row.id,
                    name=row.name,
                    created_at=moment(row.created_at),
                    last_used_at=moment_or_none(row.last_used_at),
                )
                for row in rows
            ]
        )

    def revoke(self, token_id: str) -> None:
        """From now on it opens nothing. Raises NotFound."""
        with self._database.write() as connection:
            gone = connection.execute(delete(tokens).where(tokens.c.id == token_id)).rowcount
        if not gone:
            raise NotFound(
                f"There is no token {token_id[:40]!r}.", "`reelyard token list` shows them."
            )

    def _note_use(self, token_id: str, last: float | None) -> None:
        """Once a minute is enough: a read should not cost a write, nor fail for want of one."""
        now = self._clock.now()
        if last is not None and now - last < _NOTED_EVERY_SECONDS:
            return
        with suppress(*AWAY), self._database.write() as connection:
            connection.execute(
                update(tokens).where(tokens.c.id == token_id).values(last_used_at=now)
            )


def ensure_token_file(made_by: Tokens, path: Path, name: str) -> str:
    """The token in the file; when there is none that opens this farm, a fresh one is put there,
    readable by its owner only."""
    if path.is_file():
        present = path.read_text(encoding="utf-8").strip()
        try:
            made_by.check(present)
            return present
        except Unauthorized:
            path.unlink()
    fresh = made_by.create(name).secret
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(fresh + "\n")
    return fresh


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
