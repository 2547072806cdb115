"""Which farm a command speaks to, and with which token.

Address: --url, REELYARD_URL, the farm that runs in the state folder, the default. Token:
--token-file, REELYARD_TOKEN, REELYARD_TOKEN_FILE, and for the farm of the state folder its own;
that one is never shown to another address. Secrets are never flags.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reelyard.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from reelyard.client import Client

DEFAULT_URL = "http://127.0.0.1:8700"

Url = Annotated[
    str,
    typer.Option(
        "--url",
        help="The farm's address. [REELYARD_URL, or the farm in ./.reelyard]",
        metavar="URL",
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        help="A file with the token. [REELYARD_TOKEN, REELYARD_TOKEN_FILE, or the farm's own]",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout, for programs.")]


@dataclass(frozen=True, slots=True)
class Address:
    """Where the farm is and what opens it."""

    url: str
    token: str


def connect(url: str = "", token_file: Path | None = None) -> Client:
    """A client for the farm that this command means."""
    from reelyard.client import Client

    found = find(url, token_file, os.environ)
    return Client(found.url, found.token)


def find(url: str, token_file: Path | None, environment: Mapping[str, str]) -> Address:
    """The address and the token by the order of precedence."""
    local = _local_farm(Path(environment.get("REELYARD_STATE") or ".reelyard"))
    chosen = url or environment.get("REELYARD_URL") or str(local.get("api") or DEFAULT_URL)
    if token_file is not None:
        return Address(chosen, _read_token(token_file, "--token-file"))
    if token := environment.get("REELYARD_TOKEN"):
        return Address(chosen, token.strip())
    if named := environment.get("REELYARD_TOKEN_FILE"):
        return Address(chosen, _read_token(Path(named), "REELYARD_TOKEN_FILE"))
    if chosen.rstrip("/") == local.get("api") and local.get("token_file"):
        return Address(chosen, _read_token(Path(local["token_file"]), "the farm's token file"))
    return Address(chosen, "")


def _local_farm(state: Path) -> dict[str, Any]:
    """What `farm.json` says; nothing when no farm runs there."""
    try:
        described = json.loads((state / "farm.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return described if isinstance(described, dict) else {}


def _read_token(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as wrong:
        why = getattr(wrong, "strerror", None) or "it is no text"
        raise InvalidInput(
            [Problem(what, f"cannot be read: {why}", str(path), remedy="Name a readable file.")]
        ) from None
