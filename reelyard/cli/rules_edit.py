"""`reelyard rules edit`: the rules in the person's own editor, until they are right, then in force.

What was written is never thrown away: where it does not come into force, the file stays.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from reelyard.cli.connection import AsJson, TokenFile, Url, connect
from reelyard.cli.rules_said import say_notes
from reelyard.cli.speak import say, say_problem, show, show_json
from reelyard.errors import InvalidInput, Problem, ReelyardError

if TYPE_CHECKING:
    from reelyard.client import Client
    from reelyard.rules.views import RulesView

_USUAL_EDITOR = "vi"


def edit(url: Url = "", token_file: TokenFile = None, as_json: AsJson = False) -> None:
    """Open the rules in $VISUAL or $EDITOR, check them, and put them in force."""
    from reelyard.rules.text import EXAMPLE

    with connect(url, token_file) as client:
        before = client.rules.show()
        draft = _draft(before.text or EXAMPLE)
        try:
            after = _put_until_good(client, before, draft)
        except BaseException:
            say(f"your text is kept in {draft}")
            raise
    draft.unlink()
    if as_json:
        show_json(after)
    elif after.revision == before.revision:
        say("nothing is different")
    else:
        show(str(after.revision))
        say(f"revision {after.revision} is in force")
        say_notes(after.notes)


def _put_until_good(client: Client, before: RulesView, draft: Path) -> RulesView:
    """Raises InvalidInput where the person gives up, or nobody can be asked."""
    while True:
        _open_editor(draft)
        text = draft.read_text(encoding="utf-8", errors="replace")
        if text == before.text:
            return before
        try:
            return client.rules.put(text, before.revision)
        except InvalidInput as wrong:
            if not _is_asked():
                raise
            for problem in wrong.problems:
                say_problem(problem)
            if not typer.confirm("Edit again?", default=True, err=True):
                raise


def _is_asked() -> bool:
    """Is there a person who can answer?"""
    return sys.stdin.isatty()


def _draft(text: str) -> Path:
    """A file of the person's own, which nobody else may read."""
    handle, name = tempfile.mkstemp(prefix="reelyard-rules-", suffix=".toml")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return Path(name)


def _open_editor(draft: Path) -> None:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or _USUAL_EDITOR
    try:
        ended = subprocess.run([*shlex.split(editor), str(draft)], check=False).returncode
    except (OSError, ValueError) as wrong:
        said, remedy = f"cannot be started: {wrong}", "Set EDITOR to an editor that is there."
        raise InvalidInput([Problem("EDITOR", said, editor[:80], remedy=remedy)]) from None
    if ended:
        raise ReelyardError(f"the editor ended with {ended}: nothing was changed.", "Try again.")
