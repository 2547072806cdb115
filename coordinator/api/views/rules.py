"""The house rules: read, tried out, put in force, and every revision that there was."""

from __future__ import annotations

from flask import Response
from flask_openapi.openapi import OpenAPI
from sqlalchemy import Connection

from coordinator.api.answers import shown
from coordinator.api.asked_rules import HistoryQuery, IfMatchHeader, RevisionPath
from coordinator.api.bodies import read_text
from coordinator.api.described import RULES, answers, text_body
from coordinator.api.guard import owner
from coordinator.api.parts import parts
from coordinator.api.problems import Refused, item_of
from coordinator.store.farm import read_devices
from coordinator.store.ledger import Ledger
from coordinator.store.rules import Kept, newest, put_rules, read_history, revision
from coordinator.store.view_shapes import moment
from reelyard.errors import InvalidInput
from reelyard.rules.changes import changes
from reelyard.rules.parse import parse
from reelyard.rules.remarks import Place, Present, remarks
from reelyard.rules.shown import rules_body
from reelyard.rules.views import RulesCheck, RulesHistory, RulesView

TOML = "application/toml"


def add_rules(app: OpenAPI) -> None:
    """The addresses of this file."""
    whole, body = (
        "/api/v1/rules",
        text_body(TOML, "The rules as TOML; docs/rules.md has all of it."),
    )
    app.get(whole, tags=RULES, responses=answers(RulesView))(show_rules)
    app.put(whole, tags=RULES, request_body=body, responses=answers(RulesView, 409, 412, 413, 415))(
        put_in_force
    )
    app.post(
        f"{whole}/check", tags=RULES, request_body=body, responses=answers(RulesCheck, 413, 415)
    )(check_rules)
    app.get(f"{whole}/history", tags=RULES, responses=answers(RulesHistory))(list_revisions)
    app.get(f"{whole}/history/<revision>", tags=RULES, responses=answers(RulesView, 404))(
        show_revision
    )


def show_rules() -> Response:
    """Show the rules in force

    The document as it was sent, what it says, and which hours are open now. Revision 0: none yet.
    """
    with parts().database.read() as connection:
        return _answer(connection, newest(connection))


def put_in_force(header: IfMatchHeader) -> Response:
    """Put rules in force

    With `If-Match: "REVISION"` only when nobody has changed them since that revision (412).
    """
    given, text = parts(), read_text(TOML)
    rules = parse(text)
    with given.database.write() as connection:
        _refuse_other(header, newest(connection).revision)
        put_rules(Ledger(connection, given.clock.now()), text, rules, owner())
    given.intake.wake()
    with given.database.read() as connection:
        return _answer(connection, newest(connection))


def check_rules() -> Response:
    """Try rules out

    Nothing is stored: every problem, what is worth knowing, and what would be different.
    """
    given, text = parts(), read_text(TOML)
    try:
        rules = parse(text)
    except InvalidInput as wrong:
        return shown(RulesCheck(problems=[item_of(one) for one in wrong.problems]))
    with given.database.read() as connection:
        present, kept = _present(connection), newest(connection)
    return shown(
        RulesCheck(
            notes=list(remarks(rules, present)),
            changes=list(changes(kept.read()[0], rules)),
            rules=rules_body(rules, given.clock.now(), present.places),
        )
    )


def list_revisions(query: HistoryQuery) -> Response:
    """List who changed the rules when, and what, newest first

    Go on with `before` the last revision while `has_more`.
    """
    with parts().database.read() as connection:
        return shown(read_history(connection, query.before, query.limit))


def show_revision(path: RevisionPath) -> Response:
    """Show an older revision, as if it were in force"""
    with parts().database.read() as connection:
        return _answer(connection, revision(connection, path.checked()))


def _answer(connection: Connection, kept: Kept) -> Response:
    (rules, unread), present = kept.read(), _present(connection)
    response = shown(
        RulesView(
            revision=kept.revision,
            at=moment(kept.at) if kept.revision else None,
            who=kept.who,
            text=kept.text,
            rules=rules_body(rules, parts().clock.now(), present.places),
            notes=[*(one.sentence() for one in unread), *remarks(rules, present)],
        )
    )
    response.set_etag(str(kept.revision))
    return response


def _present(connection: Connection) -> Present:
    given = parts()
    places = [
        Place(one.node, one.worker_id, one.id, one.catalog_type, one.tags)
        for one in read_devices(connection, given.catalog)
    ]
    owners = {one.name for one in given.tokens.list().data}
    return Present(places, owners, given.catalog.models, given.catalog.devices)


def _refuse_other(header: IfMatchHeader, present: int) -> None:
    if header.is_other(present):
        raise Refused(
            412,
            f"The rules were changed meanwhile: revision {present} is in force.",
            "Read them again and repeat your change.",
            {"ETag": f'"{present}"'},
        )
