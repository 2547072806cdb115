"""`reelyard-dashboard`: the web pages of a farm."""

from __future__ import annotations

from typing import Annotated

import typer

from reelyard.program import run as run_program
from reelyard.settings import read_settings

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def dashboard(
    bind: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on.")] = 8701,
) -> None:
    """Serve the dashboard of the farm at REELYARD_URL, until SIGTERM."""
    from dashboard.serve import main as serve

    serve(read_settings(), bind, port)


def main() -> None:
    """The program."""
    run_program(app, "reelyard-dashboard")


if __name__ == "__main__":
    main()
