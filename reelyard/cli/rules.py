"""`reelyard rules`: the house rules of a farm, read, tried out, changed, and who changed them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from reelyard.cli.commands import Commands
from reelyard.cli.connection import AsJson, TokenFile, Url, connect
from reelyard.cli.exits import ExitCode
from reelyard.cli.rules_edit import edit
from reelyard.cli.rules_said import moment, say_notes, show_document
from reelyard.cli.source import read_text
from reelyard.cli.speak import say, say_problem, show, show_json, show_table
from reelyard.errors import Unreachable

if TYPE_CHECKING:
    from pathlib import Path

    from reelyard.rules.views import RulesCheck

rules = typer.Typer(cls=Commands, pretty_exceptions_enable=False)
rules.command("edit")(edit)
File = Annotated[str, typer.Argument(help="The rules as TOML; - reads the pipe.")]


@rules.callback(invoke_without_command=True)
def in_force(
    ctx: typer.Context, url: Url = "", token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    """Show the house rules in force; or check, set and edit them, and see who changed them."""
    if ctx.invoked_subcommand is None:
        show_rules(None, url, token_file, as_json)


@rules.command("show")
def show_rules(
    revision: Annotated[
        int | None, typer.Option("--revision", min=1, help="An older one, see `history`.")
    ] = None,
    url: Url = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Print the document in force, or an older one, as it was sent."""
    with connect(url, token_file) as client:
        found = client.rules.show(revision)
    if as_json:
        show_json(found)
    else:
        show_document(found)


@rules.command("check")
def check(file: File, url: Url = "", token_file: TokenFile = None, as_json: AsJson = False) -> None:
    """Say all that is wrong with rules, and what they would change. Needs no farm."""
    found = _checked(read_text(file), url, token_file)
    if as_json:
        show_json(found)
    else:
        _tell(file, found)
    raise typer.Exit(ExitCode.USAGE if found.problems else ExitCode.OK)


@rules.command("set")
def put_in_force(
    file: File,
    revision: Annotated[
        int | None, typer.Option("--revision", min=0, help="Only while this one is in force.")
    ] = None,
    url: Url = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Put rules in force. They hold from the scheduler's next look; nothing that runs is stopped
    for them."""
    text = read_text(file)
    with connect(url, token_file) as client:
        found = client.rules.put(text, revision)
    if as_json:
        show_json(found)
        return
    show(str(found.revision))
    say(f"revision {found.revision} is in force")
    say_notes(found.notes)


@rules.command("history")
def history(
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="How many.")] = 20,
    url: Url = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """List who changed the rules when, and what, newest first."""
    with connect(url, token_file) as client:
        found = client.rules.history(limit=limit)
    if as_json:
        show_json(found)
    elif not found.data:
        say("nobody has set any house rules yet")
    else:
        rows = ((str(one.revision), moment(one.at), one.who, one.sentence) for one in found.data)
        show_table(("revision", "at", "by", "changed"), rows)


@rules.command("example")
def example(as_json: AsJson = False) -> None:
    """Print a document to start from, every field explained. Needs no farm."""
    from reelyard.rules.text import EXAMPLE

    if as_json:
        show_json({"text": EXAMPLE})
    else:
        show(EXAMPLE.rstrip("\n"))


def _checked(text: str, url: str, token_file: Path | None) -> RulesCheck:
    """By the farm, which knows its devices; without one, by what every farm would say."""
    from reelyard.rules.local import check_alone

    try:
        with connect(url, token_file) as client:
            return client.rules.check(text)
    except Unreachable as nobody:
        say(f"{nobody.message} Names are not looked up.", "yellow")
        return check_alone(text)


def _tell(file: str, found: RulesCheck) -> None:
    from reelyard.problem_document import problem_of

    for item in found.problems:
        say_problem(problem_of(item), file)
    say_notes(found.notes)
    for line in found.changes:
        show(line)
    if not found.problems:
        say(f"{file}: good" if found.changes else f"{file}: good; it would change nothing")
