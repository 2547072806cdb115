"""`reelyard-coordinator`: the coordinator's processes, one command each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reelyard.cli.connection import AsJson
from reelyard.cli.simulate import (
    Additions,
    Failures,
    FleetFile,
    Noise,
    Picture,
    Policies,
    ScheduleFile,
    Seed,
    WorkloadFile,
)
from reelyard.clock import SystemClock
from reelyard.errors import ReelyardError
from reelyard.program import run as run_program
from reelyard.settings import read_settings

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

TokenFile = Annotated[Path, typer.Option(help="Made readable for its owner only.")]


@app.command()
def prepare(token_file: TokenFile) -> None:
    """Bring the database up to date and see to it that the file holds a token of this farm."""
    from coordinator.app import make_database
    from coordinator.store.migrate import migrate
    from coordinator.store.tokens import Tokens, ensure_token_file

    database = make_database(read_settings())
    migrate(database)
    ensure_token_file(Tokens(database, SystemClock()), token_file, "owner")
    database.close()


@app.command(name="migrate")
def migrate_command() -> None:
    """Bring the database's tables up to date."""
    from coordinator.app import make_database
    from coordinator.store.migrate import migrate

    database = make_database(read_settings())
    migrate(database)
    database.close()


@app.command()
def loop() -> None:
    """Take reports, schedule and dispatch, until SIGTERM."""
    from coordinator.app import run_loop

    run_loop(read_settings())


@app.command()
def api(
    bind: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on.")] = 8700,
) -> None:
    """Serve the HTTP API, until SIGTERM."""
    from coordinator.api.serve import main as serve

    serve(read_settings(), bind, port)


@app.command(name="simulate")
def simulate_command(
    fleet: FleetFile,
    workload: WorkloadFile,
    policy: Policies = None,
    add: Additions = None,
    noise: Noise = 0.0,
    failures: Failures = 0.0,
    seed: Seed = 0,
    schedule: ScheduleFile = None,
    plot: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Play a workload on a fleet that need not exist, in seconds: makespan, waiting, fairness."""
    from coordinator.simulate.command import Asked, simulate
    from coordinator.simulate.table import tell
    from reelyard.catalog import load_catalog
    from reelyard.cli.exits import code_of
    from reelyard.cli.speak import say_error, show_json
    from reelyard.clock import SystemStopwatch

    asked = Asked(
        fleet=fleet,
        workload=workload,
        policies=tuple(policy or ("reelyard",)),
        add=tuple(add or ()),
        noise=noise,
        failures=failures,
        seed=seed,
        schedule=schedule,
        plot=plot,
    )
    try:
        found = simulate(asked, load_catalog(read_settings().catalog_file), SystemStopwatch())
    except ReelyardError as wrong:
        say_error(wrong, as_json)  # as `reelyard` says it, which hands its exit code on
        raise typer.Exit(code_of(wrong)) from None
    if as_json:
        show_json(found)
    else:
        tell(found)


def main() -> None:
    """The program."""
    run_program(app, "reelyard-coordinator")


if __name__ == "__main__":
    main()
