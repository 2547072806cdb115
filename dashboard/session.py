"""Who is signed in: a token in a signed cookie, and the proof that a form came from our own page.

The cookie is HttpOnly and SameSite=Lax (a link to a job in a chat should open the job), and Secure
where the page came over https. What changes something is a POST with a proof that only our pages
know. Never shows the token to a page.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from flask import Flask, Request, abort, request, session
from flask.sessions import SecureCookieSessionInterface

_KEY_BYTES = 32


class HouseCookies(SecureCookieSessionInterface):
    """Secure where the request was: a farm on a laptop has no https."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def signing_key(state: Path) -> bytes:
    """The key that signs cookies: made once, kept in the state folder, readable by its owner."""
    path = state / "dashboard.key"
    try:
        state.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        kept = path.read_bytes()
        return kept if len(kept) >= _KEY_BYTES else secrets.token_bytes(_KEY_BYTES)
    except OSError:
        # A read-only state folder: people sign in again after a restart.
        return secrets.token_bytes(_KEY_BYTES)
    with os.fdopen(handle, "wb") as file:
        key = secrets.token_bytes(_KEY_BYTES)
        file.write(key)
    return key


def cookie_name(url: str) -> str:
    """One name per farm: cookies of one host are shared by all its ports."""
    return f"reelyard_{hashlib.sha256(url.encode()).hexdigest()[:8]}"


def sign_in(token: str) -> None:
    """Remember this token."""
    session.clear()
    session.permanent = True
    session["token"] = token
    session["form"] = secrets.token_urlsafe(16)


def sign_out() -> None:
    """Forget it."""
    session.clear()


def token() -> str:
    """The token of whoever asks; empty when nobody is signed in."""
    return str(session.get("token", ""))


def form_proof() -> str:
    """What a form of ours carries. Made on the first use in a session."""
    if "form" not in session:
        session["form"] = secrets.token_urlsafe(16)
    return str(session["form"])


def check_form(asked: Request) -> None:
    """Aborts with 403 when a form did not come from one of our pages."""
    given = asked.headers.get("X-Form-Proof") or asked.form.get("proof", "")
    elsewhere = asked.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none")
    known = str(session.get("form", ""))
    if elsewhere or not known or not hmac.compare_digest(given.encode(), known.encode()):
        abort(403)
