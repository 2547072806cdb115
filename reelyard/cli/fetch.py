"""`reelyard fetch`: brings a finished film home, its subtitles and poster beside it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reelyard.cli.connection import AsJson, TokenFile, Url, connect
from reelyard.cli.last import LAST, resolve
from reelyard.cli.speak import err, show, show_json
from reelyard.errors import Conflict, NotFound

if TYPE_CHECKING:
    from reelyard.client import Client
    from reelyard.resources import JobView

_LONGEST_NAME = 80


def fetch(
    job: Annotated[str, typer.Argument(help="A job's id, its beginning, or @last.")] = LAST,
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="FILE|DIR", help="Where to; a folder gets TITLE.mp4."
        ),
    ] = ".",
    force: Annotated[
        bool, typer.Option("--force", help="Replace another file of that name.")
    ] = False,
    url: Url = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Bring a finished film home, subtitles and poster beside it.

    Goes on where an earlier try broke off, and checks every byte.
    """
    with connect(url, token_file) as client:
        found = client.job(resolve(client.url, job))
        is_folder = output.endswith("/") or Path(output).is_dir()
        to = Path(output, file_name(found.title)) if is_folder else Path(output)
        film = bring(client, found, to, force)
    beside = [p for p in (film.with_suffix(".vtt"), film.with_suffix(".jpg")) if p.is_file()]
    if as_json:
        show_json({"job": found.id, "film": str(film), "beside": [str(path) for path in beside]})
        return
    show(str(film))


def bring(client: Client, job: JobView, to: Path, force: bool = True) -> Path:
    """The film at `to`, with a bar on a terminal. Raises Conflict rather than replace a file."""
    if job.film is None:
        raise NotFound(
            f"job {job.id} has no film: it is {job.state}.",
            f"See how it stands with `reelyard watch {job.id}`.",
        )
    if not force and to.exists() and not _is_same(to, job.film.film.sha256):
        raise Conflict(f"{to} is another file.", "Give another name with -o, or --force.")
    console = err()
    if not console.is_terminal:
        return client.fetch_film(job.id, to)
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(to.name, total=job.film.film.size_bytes)
        return client.fetch_film(
            job.id, to, lambda here, _whole: progress.update(bar, completed=here)
        )


def file_name(title: str) -> str:
    """`The Lighthouse` -> `the-lighthouse.mp4`: letters and digits of any script, nothing else."""
    words = re.sub(r"[^\w]+", "-", title.lower()).strip("-_")[:_LONGEST_NAME].rstrip("-")
    return f"{words or 'film'}.mp4"


def _is_same(path: Path, sha256: str) -> bool:
    from reelyard.artifact import digest_of

    return path.is_file() and digest_of(path) == sha256
