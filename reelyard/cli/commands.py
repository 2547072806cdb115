"""How every command ends: an error of ours is a sentence and an exit code, never a traceback."""

from __future__ import annotations

import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from reelyard.cli.exits import ExitCode, code_of
from reelyard.cli.speak import say_error
from reelyard.errors import ReelyardError


class Commands(TyperGroup):
    """The `reelyard` command and its groups."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        as_json = "--json" in [*ctx._protected_args, *ctx.args]
        try:
            return super().invoke(ctx)
        except ReelyardError as wrong:
            say_error(wrong, as_json)
            raise typer.Exit(code_of(wrong)) from None
        except BrokenPipeError:
            _leave_the_pipe()
            raise typer.Exit(ExitCode.OK) from None
        except KeyboardInterrupt:
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except OSError as wrong:
            say_error(_of_the_machine(wrong), as_json)
            raise typer.Exit(ExitCode.USAGE) from None


def _leave_the_pipe() -> None:
    """Whoever read has gone, as with `| head`: nothing more is written, not even at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def _of_the_machine(wrong: OSError) -> ReelyardError:
    what = wrong.filename or "a file"
    return ReelyardError(
        f"{what}: {wrong.strerror or wrong}.", "Check the name, the permissions and the disk."
    )
