"""A farm's house rules over HTTP: a part of `reelyard.client.Client`, which sends."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from pydantic import BaseModel

from reelyard.rules.views import RulesCheck, RulesHistory, RulesView

Shape = TypeVar("Shape", bound=BaseModel)
TOML = "application/toml"


class Ask(Protocol):
    """Sends a request and reads the answer as this shape, or raises an error of ours."""

    def __call__(
        self, shape: type[Shape], method: str, path: str, tries: int = ..., **what: Any
    ) -> Shape:
        """With what httpx2 takes: `content`, `headers`, `params`."""
        ...


class RemoteRules:
    """What can be asked of them."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def show(self, revision: int | None = None) -> RulesView:
        """Those in force, or an older revision. Raises NotFound."""
        path = "/rules" if revision is None else f"/rules/history/{revision}"
        return self._ask(RulesView, "GET", path)

    def check(self, text: str) -> RulesCheck:
        """What would come of this document. Nothing is stored; problems are in the answer."""
        return self._ask(RulesCheck, "POST", "/rules/check", **_body(text))

    def put(self, text: str, revision: int | None = None) -> RulesView:
        """Puts the document in force. With `revision` only when that is in force still, else raises
        Conflict. Raises InvalidInput with every problem."""
        match = {} if revision is None else {"If-Match": f'"{revision}"'}
        return self._ask(RulesView, "PUT", "/rules", **_body(text, match))

    def history(self, before: int | None = None, limit: int = 50) -> RulesHistory:
        """Revisions below `before`, newest first."""
        params = {"limit": limit} if before is None else {"limit": limit, "before": before}
        return self._ask(RulesHistory, "GET", "/rules/history", params=params)


def _body(text: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    content = text.encode(errors="replace")
    return {"content": content, "headers": {"Content-Type": TOML, **(headers or {})}}
