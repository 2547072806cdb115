"""`reelyard up` and `reelyard down`: the whole farm on this machine, until told to stop."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reelyard.cli.connection import AsJson
from reelyard.cli.speak import show_json
from reelyard.clock import Clock, SystemClock
from reelyard.errors import NotFound, ReelyardError

if TYPE_CHECKING:
    from reelyard.embedded.farm import EmbeddedFarm
    from reelyard.embedded.layout import Layout

_DOWN_SECONDS = 30.0

StateOption = Annotated[
    Path, typer.Option("--state", envvar="REELYARD_STATE", help="Everything lives in this folder.")
]


class StopFlag:
    """Set by SIGTERM and SIGINT."""

    def __init__(self) -> None:
        self.raised = False

    def listen(self) -> None:
        """From now on the signals only set the flag."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._raise)

    def _raise(self, _number: int, _frame: object) -> None:
        self.raised = True


def up(
    state: StateOption = Path(".reelyard"),
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65534,
            help="The API's port, the dashboard's is the next one; 0: any free ones.",
        ),
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="Where the token is written; default: in the state folder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Start the farm on this machine, until Ctrl-C or SIGTERM.

    With --json: one object with its addresses once it is ready; it is also DIR/farm.json.
    """
    stop = StopFlag()
    farm = make_farm(state, port, token_file, SystemClock())
    stop.listen()  # a signal while it starts ends it too, once everything can be stopped in order
    farm.start(tell)
    if as_json:
        show_json(json.loads(farm.layout.farm_file.read_text(encoding="utf-8")))
    else:
        welcome(farm.layout)
    try:
        farm.watch(lambda: not stop.raised, tell)
    finally:
        tell("stopping")
        farm.stop()
    tell("stopped; queued work is kept and goes on at the next `reelyard up`")


def down(state: StateOption = Path(".reelyard"), as_json: AsJson = False) -> None:
    """Stop the farm that runs in the state folder."""
    farm_file = state / "farm.json"
    try:
        pid = int(json.loads(farm_file.read_text(encoding="utf-8"))["processes"]["up"])
        if not is_held(state / "up.lock"):
            raise ProcessLookupError("its `up` is gone, and the number may be another's by now")
        os.kill(pid, signal.SIGTERM)
    except (OSError, ValueError, KeyError, TypeError):
        raise NotFound(
            f"no farm runs in {state}.", "Give its folder with --state, or start one: reelyard up."
        ) from None
    _wait_for_end(farm_file, SystemClock())
    if as_json:
        show_json({"stopped": str(state), "pid": pid})
    tell("stopped")


def is_held(lock_file: Path) -> bool:
    """Does a running `up` hold it?"""
    with lock_file.open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def make_farm(state: Path, port: int | None, token_file: Path | None, clock: Clock) -> EmbeddedFarm:
    """The farm of a folder; outside servers named in the environment replace the embedded ones."""
    from reelyard.embedded.farm import EmbeddedFarm
    from reelyard.embedded.layout import Layout
    from reelyard.embedded.ports import choose_ports
    from reelyard.settings import read_settings

    settings = read_settings(state=state)
    layout = Layout(
        state=state,
        ports=choose_ports(port),
        token_file=token_file or state / "token",
        broker_url=settings.broker_url,
        database_url=settings.database_url,
        store_url=settings.store_url,
    )
    return EmbeddedFarm(layout, clock, os.environ)


def tell(text: str) -> None:
    """One line for the person who watches; never on stdout."""
    print(f"reelyard: {text}", file=sys.stderr, flush=True)


def welcome(layout: Layout) -> None:
    """Where to look and what to type next."""
    token = layout.token_file.read_text(encoding="utf-8").strip()
    print(
        f"\n  Dashboard  {layout.dashboard}/?token={token}\n"
        f"  API        {layout.api}/api/v1\n"
        f"  Token      {token}   (in {layout.token_file})\n\n"
        f"  Try        reelyard submit examples/lighthouse.yaml --wait\n"
        f"  Stop       Ctrl-C, or: reelyard down --state {layout.state}\n",
        flush=True,
    )


def _wait_for_end(farm_file: Path, clock: Clock) -> None:
    deadline = clock.monotonic() + _DOWN_SECONDS
    while farm_file.exists():
        if clock.monotonic() > deadline:
            raise ReelyardError(
                "the farm is still stopping.", f"Look into {farm_file.parent / 'logs'}."
            )
        clock.sleep(0.1)
