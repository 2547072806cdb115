"""The house rules of the played farm: real ones, on devices that it plays."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from reelyard.errors import Conflict, InvalidInput, NotFound
from reelyard.resources import ProblemItem
from reelyard.rules.changes import changes, changes_sentence
from reelyard.rules.document import Rules, no_rules
from reelyard.rules.parse import parse
from reelyard.rules.remarks import Place, Present, remarks
from reelyard.rules.shown import rules_body
from reelyard.rules.text import EXAMPLE
from reelyard.rules.views import RevisionView, RulesCheck, RulesHistory, RulesView
from tests.support.played_jobs import Times

PLACES = (
    Place("atlas", "atlas-1", "cuda:0", "h100-sxm"),
    Place("desk-3", "desk-3", "cuda:0", "rtx-4090"),
    Place("desk-3", "desk-3", "cpu", "cpu"),
)
FIRST = "[default_owner]\nmax_waiting = 500\n"


class PlayedRules:
    """The part of `dashboard.farm.Farm` that is about rules: revisions are (at, who, text)."""

    def __init__(self, times: Times) -> None:
        self.times = times
        self.revisions: list[tuple[datetime, str, str]] = [
            (times.ago(hours=50), "anna", FIRST),
            (times.ago(hours=3), "bob", EXAMPLE),
        ]

    def rules(self, revision: int | None) -> RulesView:
        self._check()
        number = len(self.revisions) if revision is None else revision
        if not number and revision is None:
            return RulesView(revision=0, rules=rules_body(no_rules(), self.times.now.timestamp()))
        if not 0 < number <= len(self.revisions):
            raise NotFound(f"There is no revision {number}.")
        at, who, text = self.revisions[number - 1]
        said = self._said(number)
        return RulesView(
            revision=number,
            at=at,
            who=who,
            text=text,
            rules=rules_body(said, self.times.now.timestamp(), PLACES),
            notes=list(remarks(said, _present())),
        )

    def check_rules(self, text: str) -> RulesCheck:
        try:
            said = parse(text)
        except InvalidInput as wrong:
            return RulesCheck(problems=[ProblemItem(**asdict(one)) for one in wrong.problems])
        before = self._said(len(self.revisions))
        return RulesCheck(
            changes=list(changes(before, said)), notes=list(remarks(said, _present()))
        )

    def put_rules(self, text: str, revision: int) -> RulesView:
        parse(text)
        if revision != len(self.revisions):
            raise Conflict("The rules were changed meanwhile.")
        self.revisions.append((self.times.ago(seconds=0), "anna", text))
        return self.rules(None)

    def rules_history(self, limit: int) -> RulesHistory:
        found = [
            RevisionView(
                revision=number,
                at=at,
                who=who,
                sentence=changes_sentence(self._said(number - 1), self._said(number)),
            )
            for number, (at, who, _) in enumerate(self.revisions, 1)
        ]
        return RulesHistory(data=found[::-1][:limit], has_more=len(found) > limit)

    def _check(self) -> None:
        """Raises Unreachable when the farm is away."""

    def _said(self, number: int) -> Rules:
        return parse(self.revisions[number - 1][2]) if number else no_rules()


def _present() -> Present:
    owners = ("anna", "bob", "lab-1")
    models = ("wan2.1-t2v-1.3b", "wan2.2-t2v-a14b")
    return Present(PLACES, owners, models, ("h100-sxm", "h200", "rtx-4090", "cpu"))
