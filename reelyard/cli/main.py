"""The `reelyard` command. Every command lives in a file of its own and imports what is heavy only
when it runs, so that `--help` and completion answer at once.
"""

from __future__ import annotations

import typer

from reelyard.cli.about import schema, version
from reelyard.cli.commands import Commands
from reelyard.cli.demo import demo
from reelyard.cli.doctor import doctor
from reelyard.cli.farm_wide import workers
from reelyard.cli.fetch import fetch
from reelyard.cli.history import history
from reelyard.cli.jobs import cancel, jobs
from reelyard.cli.models import models
from reelyard.cli.predict import predict
from reelyard.cli.queue import queue
from reelyard.cli.quote import quote
from reelyard.cli.risk import risk
from reelyard.cli.rules import rules
from reelyard.cli.set_terms import set_terms
from reelyard.cli.show import show
from reelyard.cli.simulate import simulate
from reelyard.cli.steer import hold, jump, pause, release, resume
from reelyard.cli.submit import submit
from reelyard.cli.token import token
from reelyard.cli.up import down, up
from reelyard.cli.validate import validate
from reelyard.cli.watch import watch
from reelyard.cli.why import why

app = typer.Typer(
    cls=Commands,
    name="reelyard",
    help="A rendering farm for AI video and voice: a script goes in, a film comes out.",
    epilog="Exit codes: 0 ok, 1 failed, 2 wrong input, 3 not found, 4 no permission, "
    "5 unreachable, 6 nobody can run it, 7 partly failed, 8 conflict, 124 timed out, 130 Ctrl-C.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_COMMANDS = {
    "The farm": (up, down, demo, doctor, workers, history),
    "Before anything runs": (quote, predict, simulate),
    "Jobs": (submit, validate, jobs, show, why, watch, fetch, cancel),
    "Whose turn it is": (queue, risk, hold, release, pause, resume, jump),
    "For programs": (schema, version),
}
for panel, commands in _COMMANDS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)
app.command("set", rich_help_panel="Whose turn it is")(set_terms)
app.add_typer(
    models,
    name="models",
    help="List models and voices; see what fits and what runs have taught; add a model.",
    rich_help_panel="The farm",
)
app.add_typer(
    rules,
    name="rules",
    help="Show, check, set and edit the house rules: owners, pools, hours, limits, prices.",
    rich_help_panel="The farm",
)
app.add_typer(
    token,
    name="token",
    help="Make, list and revoke the tokens that open this farm.",
    rich_help_panel="For programs",
)


def main() -> None:
    """What the `reelyard` script starts."""
    app(prog_name="reelyard")


if __name__ == "__main__":
    main()
