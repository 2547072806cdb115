"""`reelyard validate`: reads scripts and says all that is wrong with them. Needs no farm.

Holds them to the built-in catalog (and REELYARD_CATALOG_FILE) and to the limits of this
environment; `reelyard submit --dry-run` asks the farm itself.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reelyard.cli.connection import AsJson
from reelyard.cli.exits import ExitCode
from reelyard.cli.source import read_source
from reelyard.cli.speak import say, say_problem, show, show_json
from reelyard.errors import InvalidInput

if TYPE_CHECKING:
    from reelyard.catalog import Catalog
    from reelyard.limits import Findings
    from reelyard.settings import Settings
    from reelyard.storyboard import Storyboard


def validate(
    files: Annotated[
        list[str], typer.Argument(help="Storyboards or plain scripts; - reads the pipe.")
    ],
    as_json: AsJson = False,
) -> None:
    """Say all that is wrong with scripts. Needs no farm.

    `reelyard submit --dry-run` asks the farm itself.
    """
    from reelyard.catalog import load_catalog
    from reelyard.settings import read_settings

    settings = read_settings()
    catalog = load_catalog(settings.catalog_file)
    answers = [_look_at(name, catalog, settings, as_json) for name in files]
    all_good = all(answer["ok"] for answer in answers)
    if as_json:
        show_json({"ok": all_good, "files": answers})
    raise typer.Exit(ExitCode.OK if all_good else ExitCode.USAGE)


def examine(name: str, catalog: Catalog, settings: Settings) -> tuple[Storyboard | None, Findings]:
    """The storyboard in a file and what there is to say about it. Raises InvalidInput when the
    file cannot be read."""
    from reelyard.limits import read_checked

    source = read_source(name)
    return read_checked(source.content, source.media_type, catalog, settings, name)


def _look_at(name: str, catalog: Catalog, settings: Settings, as_json: bool) -> dict[str, Any]:
    from reelyard.limits import Findings

    storyboard: Storyboard | None = None
    try:
        storyboard, findings = examine(name, catalog, settings)
    except InvalidInput as wrong:
        findings = Findings(wrong.problems, ())
    if not as_json:
        _tell(name, storyboard, findings)
    return {
        "file": name,
        "ok": not findings.problems,
        "problems": [asdict(problem) for problem in findings.problems],
        "notes": list(findings.notes),
        "storyboard": _plain(storyboard) if not findings.problems else None,
    }


def _plain(storyboard: Storyboard | None) -> dict[str, Any] | None:
    return storyboard.model_dump(mode="json", by_alias=True) if storyboard else None


def _tell(name: str, storyboard: Storyboard | None, findings: Findings) -> None:
    for problem in findings.problems:
        say_problem(problem, name)
    for note in findings.notes:
        say(f"{name}: note: {note}", "yellow")
    if storyboard is not None and not findings.problems:
        count = len(storyboard.scenes)
        show(f"{name}: good: {storyboard.title}, {count} scene{'s' if count > 1 else ''}")
