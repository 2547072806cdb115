"""Remembers the last submitted job of each farm, so that `@last` means it.

Lives in the user's state folder. Forgetting is harmless: what cannot be written is not remembered.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from reelyard.errors import NotFound

LAST = "@last"
_MOST_FARMS = 20


def remember(url: str, job_id: str, environment: Mapping[str, str] | None = None) -> None:
    """The job that `@last` means from now on."""
    path = _file(environment)
    farms = _read(path)
    farms.pop(url, None)
    farms[url] = job_id
    kept = dict(list(farms.items())[-_MOST_FARMS:])
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.write_text(json.dumps(kept) + "\n", encoding="utf-8")
        draft.replace(path)


def resolve(url: str, job_id: str, environment: Mapping[str, str] | None = None) -> str:
    """The id that is meant: `@last` becomes the last job, `@last.film` a task of it. Raises
    NotFound when there is none."""
    last, dot, task = job_id.partition(".")
    if last != LAST:
        return job_id
    found = _read(_file(environment)).get(url)
    if found is None:
        raise NotFound(f"no job was submitted to {url} from here yet.")
    return found + dot + task


def _file(environment: Mapping[str, str] | None) -> Path:
    given = os.environ if environment is None else environment
    base = given.get("XDG_STATE_HOME")
    home = Path(given.get("HOME") or Path.home())
    return (Path(base) if base else home / ".local/state") / "reelyard" / "last.json"


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
