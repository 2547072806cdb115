"""Prints the OpenAPI document: `python -m coordinator.api.openapi`. Needs no database."""

from __future__ import annotations

import json
from typing import Any

from coordinator.api.app import bare_app


def document() -> dict[str, Any]:
    """The description of every address, as `/openapi.json` serves it."""
    return dict(bare_app().api_doc)


def main() -> None:
    """As docs/openapi.json keeps it."""
    print(json.dumps(document(), indent=2, sort_keys=True, ensure_ascii=False))


if __name__ == "__main__":
    main()
