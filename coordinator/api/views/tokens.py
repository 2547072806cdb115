"""Tokens: made, listed, revoked. The secret is shown once, when it is made."""

from __future__ import annotations

from flask import Response
from flask_openapi.openapi import OpenAPI

from coordinator.api.answers import shown
from coordinator.api.asked import TokenBody, TokenPath
from coordinator.api.bodies import read_small
from coordinator.api.described import TOKENS, answers, small_body
from coordinator.api.parts import parts
from reelyard.resources import TokenCreated, TokenList


def add_tokens(app: OpenAPI) -> None:
    """The addresses of this file."""
    one, all_of_them = "/api/v1/tokens/<token_id>", "/api/v1/tokens"
    app.get(all_of_them, tags=TOKENS, responses=answers(TokenList))(list_tokens)
    app.post(
        all_of_them,
        tags=TOKENS,
        request_body=small_body(TokenBody, required=True),
        responses=answers(TokenCreated, 413, 415, status=201),
    )(create_token)
    app.delete(one, tags=TOKENS, responses=answers(None, 404, status=204))(revoke_token)


def list_tokens() -> Response:
    """List the tokens, without their secrets"""
    return shown(parts().tokens.list())


def create_token() -> Response:
    """Make a token

    Its secret is in this answer and never shown again.
    """
    return shown(parts().tokens.create(read_small(TokenBody).name), 201)


def revoke_token(path: TokenPath) -> Response:
    """Revoke a token: from now on it opens nothing"""
    parts().tokens.revoke(path.token_id)
    return Response(status=204)
