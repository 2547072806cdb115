"""Reads a TOML file that a person wrote into a checked value, or says all that is wrong with it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from reelyard.errors import InvalidInput, Problem

_Kind = TypeVar("_Kind", bound=BaseModel)


def read_toml(file: Path, kind: type[_Kind], remedy: str) -> _Kind:
    """The file as `kind`. Raises InvalidInput with field, value and `remedy` of every problem."""
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
        said = f"cannot be read as TOML: {wrong}"
        raise InvalidInput([Problem(str(file), said, remedy=remedy)]) from None
    try:
        return kind.model_validate(table)
    except ValidationError as wrong:
        raise InvalidInput(
            [
                Problem(
                    field=".".join(str(part) for part in error["loc"]),
                    message=error["msg"],
                    value=str(error.get("input", ""))[:80],
                    remedy=remedy,
                )
                for error in wrong.errors()
            ]
        ) from None
