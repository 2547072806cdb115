"""`reelyard-coordinator`: the coordinator's processes, one command each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reelyard.clock import SystemClock
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


def main() -> None:
    """The program."""
    run_program(app, "reelyard-coordinator")


if __name__ == "__main__":
    main()
