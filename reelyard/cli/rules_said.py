"""How the `reelyard rules` commands speak of rules: the document on stdout, the rest beside it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from reelyard.cli.speak import say, show

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from reelyard.rules.views import HoursView, RulesBody, RulesView, TariffView


def show_document(found: RulesView) -> None:
    """The text for a file, and beside it whose it is, what is open now, and what to know."""
    if found.revision == 0:
        say("this farm has no house rules: everybody has the same share, everything is open")
        say("`reelyard rules example` prints a document to start from")
        return
    show(found.text.rstrip("\n"))
    say(f"revision {found.revision}, by {found.who}, {moment(found.at)}")
    for line in opening_lines(found.rules):
        say(line)
    say_notes(found.notes)


def say_notes(notes: Iterable[str]) -> None:
    """What is not wrong, but worth knowing."""
    for note in notes:
        say(f"note: {note}", "yellow")


def opening_lines(body: RulesBody) -> list[str]:
    """Pools and nodes that have hours, on the clock of the rules, and the price of now."""
    from reelyard.rules.zone import zone_of

    zone = zone_of(body.timezone)
    timed = [(f"pool {pool.id}", pool.hours) for pool in body.pools]
    timed += [(f"{one.device} of {one.match}", one.hours) for one in body.nodes]
    lines = [f"{name}: {_opening(hours, zone)}" for name, hours in timed if hours.text != "always"]
    if body.tariff is not None:
        now, currency = body.tariff.price_now, body.tariff.currency
        lines.append(f"a kWh costs {now:.10g} {currency} now")
        lines += thrift_lines(body.tariff)
    return lines


def thrift_lines(tariff: TariffView) -> list[str]:
    """What follows from prices, as far as the rules ask for it."""
    said = []
    if tariff.patience_hours > 0:
        said.append(f"batch work waits up to {tariff.patience_hours:.10g} h for a lower price")
    if tariff.slack_power_cap is not None:
        said.append(f"what has time runs at {tariff.slack_power_cap:.0%} of the power limit")
    return said


def moment(at: datetime | None) -> str:
    """In the time zone of this machine."""
    return f"{at.astimezone():%Y-%m-%d %H:%M}" if at else "never"


def _opening(hours: HoursView, zone: tzinfo) -> str:
    state, change = ("open", "closes") if hours.is_open else ("closed", "opens")
    at = hours.changes_at
    when = f"{change} {at.astimezone(zone):%a %Y-%m-%d %H:%M}" if at else f"never {change}"
    return f"{state}, {when} {zone} ({hours.text})"
