"""How a command speaks: data on stdout, everything else on stderr, JSON when asked for.

Never colours a pipe, never cuts a line of data to the width of a terminal that is not there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from pydantic import BaseModel

    from reelyard.errors import Problem, ReelyardError

_ENDLESS = 10_000


def out() -> Console:
    """Where data goes."""
    return _console(sys.stdout.isatty(), stderr=False)


def err() -> Console:
    """Where everything else goes."""
    return _console(sys.stderr.isatty(), stderr=True)


def say(text: str, style: str = "") -> None:
    """A line for the person, beside the data."""
    err().print(Text(text, style=style), soft_wrap=True)


def show(text: str | Text) -> None:
    """A line of data."""
    out().print(text if isinstance(text, Text) else Text(text), soft_wrap=True)


def show_json(what: BaseModel | dict[str, Any]) -> None:
    """One object on one line."""
    data = what if isinstance(what, dict) else what.model_dump(mode="json")
    sys.stdout.write(json.dumps(data, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def show_table(heads: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """Columns for people; in a pipe they are never cut."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    console = out()
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        console.print(Text(line.rstrip()), soft_wrap=True)


def say_error(wrong: ReelyardError, as_json: bool) -> None:
    """What went wrong and what to do; for programs as one object, on stderr as well."""
    if as_json:
        sys.stderr.write(json.dumps({"error": error_object(wrong)}, ensure_ascii=False) + "\n")
        return
    problems = getattr(wrong, "problems", None)
    if problems is not None:
        for problem in problems:
            say_problem(problem)
        return
    console = err()
    console.print(Text("error: ", style="bold red") + Text(wrong.message), soft_wrap=True)
    if wrong.remedy:
        console.print(Text(f"  {wrong.remedy}"), soft_wrap=True)


def say_problem(problem: Problem, file: str = "") -> None:
    """`file:line: field: message (got ...; limit ...). remedy`, as compilers do."""
    say(problem_line(problem, file))


def problem_line(problem: Problem, file: str = "") -> str:
    """The problem in one line, with the file and the line in front."""
    said = problem.sentence()
    if not file:
        return said
    said = said.removeprefix(f"line {problem.line}: ")
    return f"{file}:{problem.line}: {said}" if problem.line else f"{file}: {said}"


def error_object(wrong: ReelyardError) -> dict[str, Any]:
    """The error for programs."""
    from dataclasses import asdict

    from reelyard.cli.exits import code_of

    problems = [asdict(problem) for problem in getattr(wrong, "problems", ())]
    return {
        "code": int(code_of(wrong)),
        "kind": type(wrong).__name__,
        "message": wrong.message,
        "remedy": wrong.remedy,
        "problems": problems,
    }


def _console(is_terminal: bool, stderr: bool) -> Console:
    width = None if is_terminal else _ENDLESS
    return Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)
