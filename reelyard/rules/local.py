"""Tries a document out where no farm is at hand. Knows no device, model or present rules."""

from __future__ import annotations

from dataclasses import asdict

from reelyard.errors import InvalidInput
from reelyard.resources import ProblemItem
from reelyard.rules.changes import changes
from reelyard.rules.document import no_rules
from reelyard.rules.parse import parse
from reelyard.rules.views import RulesCheck


def check_alone(text: str) -> RulesCheck:
    """Every problem; `changes` are against a farm without rules."""
    try:
        rules = parse(text)
    except InvalidInput as wrong:
        return RulesCheck(problems=[ProblemItem(**asdict(one)) for one in wrong.problems])
    return RulesCheck(changes=list(changes(no_rules(), rules)))
