"""`reelyard-worker`: offers this machine's devices to a farm."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from reelyard.program import run as run_program
from reelyard.settings import read_settings

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.command()
def run(
    id: Annotated[str, typer.Option(help="The worker's name; default: the machine's.")] = "",
    steps: Annotated[
        str, typer.Option(help="The package that holds the steps, one module per kind of task.")
    ] = "worker.steps",
) -> None:
    """Take tasks from the farm that REELYARD_BROKER_URL names, until SIGTERM."""
    from worker.agent import run as run_agent

    run_agent(read_settings(worker_id=id) if id else read_settings(), steps)


@app.command()
def probe() -> None:
    """Print this machine's devices as JSON."""
    from worker.agent import make_probes, measure

    devices = measure(make_probes(read_settings()), [])
    print(json.dumps([asdict(device) for device in devices], indent=2))


@app.command()
def measure(
    model: Annotated[str, typer.Argument(help="A diffusers pipeline: its folder, or a hub id.")],
    id: Annotated[str, typer.Option(help="Its name in the catalog; default: its own.")] = "",
    fact: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE, for what its files do not say, such as fps=24. Repeatable."),
    ] = None,
    tiles: Annotated[
        bool, typer.Option(help="Measure tiled decoding too, which can take minutes.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of TOML.")] = False,
) -> None:
    """Print a model's entry for the catalog, measured without a GPU and without its weights.

    Put what it prints into the file that REELYARD_CATALOG_FILE names. Of a hub repository only
    configurations are fetched.
    """
    from worker.engines.measure.fragment import given_facts, measure_pipeline

    def tell(line: str) -> None:
        typer.echo(line, err=True)

    made = measure_pipeline(model, id, given_facts(fact or ()), tiles, tell)
    typer.echo(made.json() if as_json else made.toml(), nl=False)


def main() -> None:
    """The program."""
    run_program(app, "reelyard-worker")


if __name__ == "__main__":
    main()
