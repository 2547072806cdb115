"""`reelyard quote`: what a script would need before it is made: when, where, how much.

With --fleet no farm is needed: the machines in that file are counted on. Without it the farm is
asked, as `reelyard submit --dry-run` does; nothing is stored either way.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reelyard.cli.connection import AsJson, TokenFile, Url, connect
from reelyard.cli.exits import ExitCode
from reelyard.cli.predict import spoken
from reelyard.cli.speak import out, say, say_problem, show, show_json, show_table
from reelyard.cli.terms import After, By, terms_of
from reelyard.errors import InvalidInput, Problem, ReelyardError
from reelyard.states import Band

if TYPE_CHECKING:
    from reelyard.predict.views import Quote, QuotedScene
    from reelyard.terms import Terms


def quote(
    file: Annotated[str, typer.Argument(help="A storyboard or plain script; - reads the pipe.")],
    fleet: Annotated[
        Path | None, typer.Option(help="Machines to count on (TOML); left out: the farm's.")
    ] = None,
    prices: Annotated[
        Path | None, typer.Option(help="Prices (TOML). [REELYARD_PRICES_FILE]")
    ] = None,
    learned: Annotated[
        Path | None, typer.Option(help="Lessons of a farm: `reelyard models learned --export`.")
    ] = None,
    by: By = "",
    after: After = "",
    url: Url = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Say what a film would need: when it would be done, memory, energy, money, the dear scene.

    Exit code 6: no device can ever make it.
    """
    if fleet is None:
        _refuse_without_fleet({"--prices": prices, "--learned": learned})
        terms = terms_of(Band.NORMAL, by, after, None, None)
        found = _of_farm(file, terms, url, token_file, as_json)
    else:
        _refuse_with_fleet({"--by": by, "--after": after})
        found = _of_fleet(file, fleet, prices, learned, as_json)
    if as_json:
        show_json({"file": file, **found.model_dump(mode="json")})
    else:
        tell(file, found)
    raise typer.Exit(ExitCode.NOBODY_CAN if found.is_possible is False else ExitCode.OK)


def _refuse_without_fleet(given: dict[str, Path | None]) -> None:
    """The farm has prices and lessons of its own."""
    problems = [
        Problem(
            name,
            "goes with --fleet only",
            str(path),
            remedy="Give --fleet too; the farm itself counts with its own.",
        )
        for name, path in given.items()
        if path is not None
    ]
    if problems:
        raise InvalidInput(problems)


def _refuse_with_fleet(given: dict[str, str]) -> None:
    """Machines on paper have no clock: what is left of the time is for the reader to see."""
    problems = [
        Problem(name, "goes without --fleet only", text, remedy="Compare it with the answer.")
        for name, text in given.items()
        if text
    ]
    if problems:
        raise InvalidInput(problems)


def _of_fleet(
    name: str, fleet: Path, prices: Path | None, learned: Path | None, as_json: bool
) -> Quote:
    from datetime import UTC, datetime

    from reelyard.catalog import load_catalog
    from reelyard.cli.validate import examine
    from reelyard.clock import SystemClock
    from reelyard.predict.exchange import read_lessons
    from reelyard.predict.fleet import read_fleet
    from reelyard.predict.prices import read_prices
    from reelyard.predict.quote import quote as make
    from reelyard.settings import read_settings

    settings = read_settings()
    catalog = load_catalog(settings.catalog_file)
    storyboard, findings = examine(name, catalog, settings)
    if storyboard is None or findings.problems:
        raise _refused(name, InvalidInput(findings.problems), as_json)
    return make(
        storyboard,
        catalog,
        read_fleet(fleet, catalog),
        read_lessons(learned),
        read_prices(prices or settings.prices_file, catalog.devices),
        at=datetime.fromtimestamp(SystemClock().now(), UTC).astimezone(),
    )


def _of_farm(name: str, terms: Terms, url: str, token_file: Path | None, as_json: bool) -> Quote:
    from reelyard.cli.source import read_source
    from reelyard.problem_document import problem_of

    source = read_source(name)
    with connect(url, token_file) as client:
        answer = client.validate(source.content, source.media_type, terms)
    if not answer.ok:
        problems = [problem_of(item) for item in answer.problems]
        raise _refused(name, InvalidInput(problems), as_json)
    if answer.estimate is None or answer.estimate.quote is None:
        raise ReelyardError(
            "this farm gives no quotes: it is of an older version.",
            "Name your machines with --fleet, or bring the farm up to date.",
        )
    for note in answer.notes:
        say(f"note: {note}", "yellow")
    return answer.estimate.quote


def _refused(name: str, wrong: InvalidInput, as_json: bool) -> Exception:
    """What is wrong with the script, with its file and line in front."""
    if as_json:
        return wrong
    for problem in wrong.problems:
        say_problem(problem, name)
    return typer.Exit(ExitCode.USAGE)


def tell(name: str, found: Quote) -> None:
    """A quote for people: the verdict, the figures, the scenes, the devices, what it rests on."""
    verdict = {True: "can be made", False: "cannot be made", None: "not known"}
    show(f"{name}: {verdict[found.is_possible]}: {found.because}")
    for line in _figures(found):
        show(line)
    if found.scenes:
        out().print()
        show_table(_HEADS, (_scene(scene) for scene in found.scenes))
    if found.devices:
        out().print()
        rows = (
            (d.device, str(d.count), "yes" if d.can else "no", d.because) for d in found.devices
        )
        show_table(("device", "count", "takes it all", "because"), rows)
    if found.assumptions:
        out().print()
        for said in found.assumptions:
            show(f"assumed: {said}")


_HEADS = (
    "scene",
    "model",
    "frames",
    "shots",
    "device",
    "plan",
    "memory",
    "time",
    "energy",
    "share",
)


def _figures(found: Quote) -> Iterator[str]:
    if found.done_in_seconds is not None and found.done_in_range is not None:
        low, high = found.done_in_range
        yield (f"  done     in {spoken(found.done_in_seconds)} ({spoken(low)} to {spoken(high)})")
    if found.needs_gib is not None:
        yield f"  memory   {found.needs_gib:.1f} GiB on one device"
    if found.device_seconds is not None:
        load = f", and {spoken(found.load_seconds)} of loading" if found.load_seconds else ""
        yield f"  devices  {spoken(found.device_seconds)} of device time{load}"
    if found.energy_wh is not None:
        yield f"  energy   {found.energy_wh:.1f} Wh"
    if found.money is not None or found.rent is not None:
        yield f"  money    {_money(found)}"
    if found.dearest_scene is not None and len(found.scenes) > 1:
        share = found.scenes[found.dearest_scene].share or 0.0
        yield f"  dearest  scene {found.dearest_scene + 1}, {share:.0%} of the device time"


def _money(found: Quote) -> str:
    """`0.07 EUR of own power; 1.08 EUR rented`"""
    parts = []
    if found.money is not None:
        parts.append(f"{amount(found.money)} {found.currency} of own power")
    if found.rent is not None:
        parts.append(f"{amount(found.rent)} {found.currency} rented")
    return "; ".join(parts)


def amount(value: float) -> str:
    """`12.30`, `0.0042` where two places would hide it, `under 0.001` where nobody cares."""
    if value >= 0.1 or value == 0:
        return f"{value:.2f}"
    return f"{value:.4f}" if value >= 0.001 else "under 0.001"


def _scene(scene: QuotedScene) -> tuple[str, ...]:
    return (
        f"{scene.scene + 1}",
        scene.model,
        f"{scene.frames}",
        f"{scene.shots}",
        scene.device or "-",
        scene.plan.sentence if scene.plan else "-",
        "-" if scene.bound_gib is None else f"{scene.bound_gib:.1f} GiB",
        "-" if scene.seconds is None else spoken(scene.seconds),
        "-" if scene.energy_wh is None else f"{scene.energy_wh:.1f} Wh",
        "-" if scene.share is None else f"{scene.share:.0%}",
    )
