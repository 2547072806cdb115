"""Puts entries into a farm's own catalog file, leaving what else is in it as a person wrote it.

An entry of the same kind and id is replaced. Nothing is written unless the whole file, with the new
entries in it, is a catalog.
"""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reelyard.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from reelyard.catalog import Catalog

_HEADER = re.compile(r"\s*\[[^\[\]]+\]\s*(#.*)?")
_LONG_QUOTE = re.compile(r"\"{3}|'{3}")
_REMEDY = "Print the entry with `reelyard-worker measure` and put it into the file by hand."


def add_entries(fragment: str, into: Path) -> tuple[Catalog, list[str]]:
    """The catalog with the entries in it, and the ids that were there before. Raises InvalidInput
    when the file cannot take them; then it is as it was."""
    before = into.read_text(encoding="utf-8") if into.exists() else ""
    old, new = _tables(before, str(into)), _tables(fragment, "the measured entry")
    paths = {(kind, id) for kind, entries in new.items() for id in entries}
    text = _joined(_without(before, paths), _without_preface(fragment))
    if not _is_both(text, old, new):
        said = "holds its entries in a form that cannot be changed safely"
        raise InvalidInput([Problem(str(into), said, remedy=_REMEDY)])
    catalog = _checked_and_written(text, into)
    return catalog, sorted(id for kind, id in paths if id in old.get(kind, {}))


def _is_both(text: str, old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Nothing was lost and nothing is there twice."""
    if not all(isinstance(entries, dict) for entries in old.values()):
        return False
    wanted = {kind: old.get(kind, {}) | new.get(kind, {}) for kind in {*old, *new}}
    try:
        return tomllib.loads(text) == wanted
    except tomllib.TOMLDecodeError:
        return False


def _checked_and_written(text: str, into: Path) -> Catalog:
    """The file appears whole or not at all."""
    from reelyard.catalog import load_catalog

    handle, name = tempfile.mkstemp(dir=into.parent, prefix=f".{into.name}.", suffix=".new")
    made = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        catalog = load_catalog(made)
        made.chmod(into.stat().st_mode & 0o777 if into.exists() else 0o644)
        made.replace(into)
    finally:
        made.unlink(missing_ok=True)
    return catalog


def _without(text: str, paths: set[tuple[str, str]]) -> str:
    """The text but for the tables under these two names, with the comments right above each."""
    kept, dropping, comments, quoted = list[str](), False, list[str](), False
    for line in text.splitlines():
        if line.lstrip().startswith("#") and not quoted:
            comments.append(line)
            continue
        path = None if quoted else _path(line)
        quoted ^= len(_LONG_QUOTE.findall(line)) % 2 == 1
        dropping = dropping if path is None else path in paths
        if not dropping:
            kept += [*comments, line]
        comments = []
    return "\n".join([*kept, *comments]).strip("\n")


def _path(line: str) -> tuple[str, str] | None:
    """The first two names of a table's header; None for any other line."""
    if not _HEADER.fullmatch(line):
        return None
    try:
        names = list(_names(tomllib.loads(line)))
    except tomllib.TOMLDecodeError:
        return None
    return (names[0], names[1] if len(names) > 1 else "")


def _names(table: dict[str, Any]) -> Iterator[str]:
    for name, inner in table.items():
        yield name
        yield from _names(inner)


def _without_preface(fragment: str) -> str:
    """From its first table on: remarks before it are for the person, not for the file."""
    lines = fragment.splitlines()
    first = next((n for n, line in enumerate(lines) if _path(line) is not None), 0)
    return "\n".join(lines[first:]).strip("\n")


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


def _tables(text: str, what: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        said = f"cannot be read as TOML: {wrong}"
        raise InvalidInput([Problem(what, said, remedy=_REMEDY)]) from None
