"""Names for things: short enough to type, unique enough to trust.

`job-7k3m9x2qab` for jobs (50 random bits), `job-7k3m9x2qab.s02.video1` for its tasks, `.a1` for an
attempt. Task and attempt names follow from the job's, so the pure core can make them without dice.
"""

from __future__ import annotations

import re
import secrets

_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"
_SHAPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")


def new(kind: str, letters: int = 10) -> str:
    """A fresh id such as `job-7k3m9x2qab`."""
    number, base, found = secrets.randbelow(len(_ALPHABET) ** letters), len(_ALPHABET), ""
    for _ in range(letters):
        number, letter = divmod(number, base)
        found += _ALPHABET[letter]
    return f"{kind}-{found}"


def is_id(text: str) -> bool:
    """True for what may be an id of ours: no slashes, no leading dots, 100 characters at most."""
    return bool(_SHAPE.fullmatch(text)) and ".." not in text


def task_id(job_id: str, scene: int | None, role: str) -> str:
    """`job.s02.voice`; the film has no scene: `job.film`. Scenes count from 1 for people."""
    return f"{job_id}.{role}" if scene is None else f"{job_id}.s{scene + 1:02d}.{role}"


def attempt_id(task: str, number: int) -> str:
    """`task.a1` for the first try."""
    return f"{task}.a{number}"
