"""`reelyard models add`: measures a diffusers pipeline and puts it into the farm's own catalog.

The measuring is done by `reelyard-worker measure`, in a process of its own: it needs the worker's
packages, but neither a GPU nor the weights.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from reelyard.cli.connection import AsJson
from reelyard.cli.fit import short_cell
from reelyard.cli.speak import say, show, show_json, show_table
from reelyard.errors import InvalidInput, NotInstalled, Problem, ReelyardError

if TYPE_CHECKING:
    from reelyard.catalog import Catalog, VideoModel
    from reelyard.predict.views import FitRow

_NEEDED = ("worker", "torch", "diffusers", "transformers")
_PROGRAM = "reelyard-worker: "
_PROGRESS = "measuring "
_USAGE = 2


@dataclass(frozen=True, slots=True)
class Measured:
    """What the measuring printed: entries for a catalog file, and remarks for the person."""

    fragment: str
    model: str
    notes: tuple[str, ...]


def add(
    model: Annotated[
        str, typer.Argument(help="A diffusers pipeline: its folder, or a hub id.", metavar="MODEL")
    ],
    id: Annotated[str, typer.Option(help="Its name in the catalog; left out: its own.")] = "",
    into: Annotated[
        Path | None,
        typer.Option(help="The catalog file. [REELYARD_CATALOG_FILE, or catalog.toml]"),
    ] = None,
    fact: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE, for what its files do not say, such as fps=24. Repeatable."),
    ] = None,
    tiles: Annotated[
        bool, typer.Option(help="Measure tiled decoding too, which can take minutes.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Measure a model without its weights and put it into the farm's catalog file."""
    from reelyard.cli.catalog_file import add_entries
    from reelyard.settings import read_settings

    used = read_settings().catalog_file
    file = into or used or Path("catalog.toml")
    _refuse_early(file)
    options = [*(("--id", id) if id else ()), *(w for f in fact or () for w in ("--fact", f))]
    measured = measure([model, *options, "--tiles" if tiles else "--no-tiles"])
    catalog, replaced = add_entries(measured.fragment, file)
    entry, fit = catalog.models[measured.model], _fit(catalog, measured.model)
    if as_json:
        show_json(
            {
                "model": entry.id,
                "into": str(file),
                "replaced": replaced,
                "parameters": parameters(entry, catalog),
                "weights_gib": fit.weights_gib,
                "notes": list(measured.notes),
                "fit": fit.model_dump(mode="json"),
            }
        )
        return
    _tell(entry, catalog, fit, measured.notes)
    say(f"{'replaced in' if entry.id in replaced else 'added to'} {file}")
    if used is None or used.resolve() != file.resolve():
        say(f"start the farm with REELYARD_CATALOG_FILE={file} to use it")


def measure(words: list[str]) -> Measured:
    """Runs the worker's measuring. Raises NotInstalled, InvalidInput with what it said, or
    ReelyardError when it broke."""
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise NotInstalled(
            f"measuring a model needs the worker's packages: {', '.join(missing)} is missing.",
            "Add them with `pip install 'reelyard[worker]'`.",
        )
    command = [sys.executable, "-m", "worker.cli", "measure", *words]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as printed:
        running = subprocess.Popen(
            command, stdout=printed, stderr=subprocess.PIPE, text=True, errors="replace"
        )
        assert running.stderr is not None
        said = _heard(running.stderr)
        if running.wait() != 0:
            raise _failure(said, running.returncode, words[0])
        printed.seek(0)
        return _measured(printed.read())


def _heard(lines: IO[str]) -> list[str]:
    """All that it said; its progress is passed on at once."""
    said = []
    for line in lines:
        said.append(line.rstrip())
        if line.startswith(_PROGRESS):
            say(line.rstrip())
    return said


def _failure(said: list[str], code: int, model: str) -> ReelyardError:
    """Its own last words, without what libraries printed before."""
    first = next((n for n, line in enumerate(said) if line.startswith(_PROGRAM)), None)
    words = said[first:] if first is not None else said[-1:]
    message = " ".join(line.removeprefix(_PROGRAM) for line in words).strip()
    if code == _USAGE and message:
        return InvalidInput([Problem(model, message)])
    return ReelyardError(
        f"measuring {model} ended with exit code {code}: {message or 'it said nothing'}",
        "Run `reelyard-worker measure` on it to see all that it says.",
    )


def _measured(text: str) -> Measured:
    remarks = tuple(
        line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("#")
    )
    try:
        ids = list(tomllib.loads(text)["models"])
    except (tomllib.TOMLDecodeError, KeyError):
        ids = []
    if len(ids) != 1:
        raise ReelyardError(
            "what `reelyard-worker measure` printed is not one model's entry.",
            "Is `worker` of the same version as `reelyard`? See `reelyard doctor`.",
        )
    return Measured(text, ids[0], remarks)


def _refuse_early(file: Path) -> None:
    """Before minutes are spent on measuring."""
    if not file.parent.is_dir():
        said, remedy = "is in a folder that does not exist", "Make the folder, or name another."
        raise InvalidInput([Problem("--into", said, str(file), remedy=remedy)])
    if file.is_dir():
        raise InvalidInput([Problem("--into", "is a folder", str(file), remedy="Name a file.")])


def parameters(entry: VideoModel, catalog: Catalog) -> int:
    """Of all networks of the model."""
    return sum(catalog.components[part.component].parameters for part in entry.parts)


def _fit(catalog: Catalog, model: str) -> FitRow:
    from reelyard.predict.matrix import catalog_columns, matrix

    only = replace(catalog, models={model: catalog.models[model]})
    return matrix(only, catalog_columns(only)).data[0]


def _tell(entry: VideoModel, catalog: Catalog, fit: FitRow, notes: tuple[str, ...]) -> None:
    show(f"{entry.id}: {entry.name}, {entry.pipeline}")
    show(f"  parameters  {_spoken(parameters(entry, catalog))}")
    show(f"  weights     {fit.weights_gib:.2f} GiB in {entry.precision.value}")
    show(f"  a clip      {fit.shape}")
    unable = [cell.device for cell in fit.cells if cell.status == "infeasible"]
    if unable:
        show(f"  fits not    {', '.join(unable)}")
    able = [cell for cell in fit.cells if cell.status == "ok"]
    if able:
        show_table(("  fits", "how"), ((f"  {c.device}", short_cell(c)) for c in able))
    for note in notes:
        say(f"note: {note}", "yellow")


def _spoken(count: int) -> str:
    """`1.30 billion`, `82.4 million`"""
    return f"{count / 1e9:.2f} billion" if count >= 5e8 else f"{count / 1e6:.1f} million"
