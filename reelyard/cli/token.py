"""`reelyard token`: makes, lists and revokes the tokens that open this farm."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from reelyard.cli.commands import Commands
from reelyard.cli.connection import AsJson, TokenFile, Url, connect
from reelyard.cli.speak import say, show, show_json, show_table

token = typer.Typer(cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False)


@token.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Whose it is, such as: anna's laptop.")],
    url: Url = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a token; its secret is shown this once, on stdout."""
    with connect(url, token_file) as client:
        made = client.create_token(name)
    if as_json:
        show_json(made)
        return
    show(made.secret)
    say(f"{made.id} for {made.name}. Keep it: it is not shown again.")


@token.command("list")
def list_tokens(url: Url = "", token_file: TokenFile = None, as_json: AsJson = False) -> None:
    """List the tokens, never their secrets."""
    with connect(url, token_file) as client:
        found = client.tokens()
    if as_json:
        show_json(found)
        return
    show_table(
        ("id", "name", "made", "last used"),
        ((t.id, t.name, _moment(t.created_at), _moment(t.last_used_at)) for t in found.data),
    )


@token.command("revoke")
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `token list` shows it.")],
    url: Url = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Revoke a token: from now on it opens nothing."""
    with connect(url, token_file) as client:
        client.revoke_token(token_id)
    if as_json:
        show_json({"revoked": token_id})
    else:
        show(token_id)
        say("revoked: it opens nothing any more")


def _moment(at: datetime | None) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}" if at else "never"
