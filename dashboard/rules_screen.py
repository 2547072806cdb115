"""What the screens of house rules ask of a farm: never remembers an answer."""

from __future__ import annotations

from typing import Any

from dashboard.farm import Farm
from dashboard.present.rules import price, rules_page
from reelyard.clock import Clock

_REVISIONS = 12


def rules_context(farm: Farm, clock: Clock) -> dict[str, Any]:
    """The rules in force at this moment, and how they became so."""
    found = farm.rules(None)
    tariff = found.rules.tariff
    return {
        "rules": found,
        "page": rules_page(found, clock.now()),
        "price_now": price(tariff.price_now, tariff.currency) if tariff else "",
        "price_else": price(tariff.price_per_kwh, tariff.currency) if tariff else "",
        "history": farm.rules_history(_REVISIONS),
    }
