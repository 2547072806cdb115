"""Writes what was measured into a table of components, and leaves the rest of the text as it is.

Works on the text, not on its meaning, so that comments, classes and configurations stay as their
writers left them; writing the same twice changes nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from reelyard.catalog.entry import Entry
from worker.engines.measure.component import Measured
from worker.engines.measure.counts import Counts

_HEADER = re.compile(r"^\[(?!\[)(?P<path>[^\]]+)\]\s*(#.*)?$")
_KEY = re.compile(r'"((?:[^"\\]|\\.)*)"|([A-Za-z0-9_-]+)')
_COUNTS = frozenset(field.name for field in fields(Counts))
_WIDTH = 100
_CARDS = frozenset({"denoiser", "encoder", "decode", "encode"})


@dataclass(frozen=True, slots=True)
class _Section:
    """A table's header, its lines, and whose table it is."""

    path: tuple[str, ...]
    lines: tuple[str, ...]


def recorded(text: str, id: str, measured: Measured) -> str:
    """The text of components.toml with this component's counts and cards. The component must be
    there; KeyError if it is not."""
    sections = list(_sections(text))
    mine = [one for one in sections if one.path[:1] == (id,)]
    if not mine:
        raise KeyError(id)
    at = sections.index(mine[0])
    kept = [one for one in mine if not _is_card(one)]
    kept[0] = _with_counts(kept[0], measured.counts)
    made = [_trimmed(one) for one in kept] + list(_card_sections(id, measured))
    sections = [one for one in sections if one not in mine]
    sections[at:at] = [_Section(one.path, (*one.lines, "")) for one in made]
    return "\n".join(line for one in sections for line in one.lines).rstrip("\n") + "\n"


def table(path: tuple[str, ...], values: Mapping[str, Any]) -> list[str]:
    """A table and the tables within it, as lines of TOML."""
    inner = {name: one for name, one in values.items() if isinstance(one, Mapping)}
    own = {n: one for n, one in values.items() if n not in inner and one is not None}
    lines = [f"[{'.'.join(_key(part) for part in path)}]"] if own or not inner else []
    for name, one in own.items():
        lines += _assigned(_key(name), one)
    for name, one in inner.items():
        lines += [*([""] if lines else []), *table((*path, name), one)]
    return lines


def _assigned(key: str, value: Any) -> list[str]:
    """On one line if it fits, else with a line for each entry."""
    line = f"{key} = {written(value)}"
    if len(line) <= _WIDTH or not isinstance(value, list | tuple):
        return [line]
    return [f"{key} = [", *(f"    {written(one)}," for one in value), "]"]


def counts_and_cards(measured: Measured) -> dict[str, Any]:
    """As one table."""
    found: dict[str, Any] = {name: n for name, n in asdict(measured.counts).items() if n}
    for name in ("denoiser", "encoder"):
        if (card := getattr(measured, name)) is not None:
            found[name] = _values(card)
    for name in ("decode", "encode"):
        if cards := getattr(measured, name):
            found[name] = {precision: _values(card) for precision, card in cards.items()}
    return found


def written(value: Any) -> str:
    """A value of TOML, on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(written(one) for one in value)}]"
    if isinstance(value, Mapping):
        pairs = (f"{_key(name)} = {written(one)}" for name, one in value.items())
        return f"{{ {', '.join(pairs)} }}"
    return json.dumps(str(value), ensure_ascii=False)


def _values(card: Entry) -> dict[str, Any]:
    """Without what is as the card assumes it."""
    return {
        name: value
        for name, value in card.model_dump().items()
        if value != type(card).model_fields[name].default
    }


def _card_sections(id: str, measured: Measured) -> Iterator[_Section]:
    for name, value in counts_and_cards(measured).items():
        if name in ("denoiser", "encoder"):
            yield _Section((id, name), tuple(table((id, name), value)))
        elif name in ("decode", "encode"):
            for precision, card in value.items():
                path = (id, name, precision)
                yield _Section(path, tuple(table(path, card)))


def _with_counts(section: _Section, counts: Counts) -> _Section:
    kept = [line for line in section.lines if line.split("=")[0].strip() not in _COUNTS]
    while kept and not kept[-1].strip():
        kept.pop()
    kept += [f"{name} = {value}" for name, value in asdict(counts).items() if value]
    return _Section(section.path, tuple(kept))


def _is_card(section: _Section) -> bool:
    return len(section.path) > 1 and section.path[1] in _CARDS


def _trimmed(section: _Section) -> _Section:
    lines = list(section.lines)
    while lines and not lines[-1].strip():
        lines.pop()
    return _Section(section.path, tuple(lines))


def _sections(text: str) -> Iterator[_Section]:
    """The text before the first table, then every table. A comment right above a table is its."""
    path: tuple[str, ...] = ()
    lines: list[str] = []
    for line in text.splitlines():
        found = _HEADER.match(line)
        if found is None:
            lines.append(line)
            continue
        above = _comment_above(lines)
        yield _Section(path, tuple(lines))
        path, lines = _path(found["path"]), [*above, line]
    yield _Section(path, tuple(lines))


def _comment_above(lines: list[str]) -> list[str]:
    """Takes the comment that the lines end with, if there is something before it."""
    above: list[str] = []
    while lines and lines[-1].startswith("#"):
        above.insert(0, lines.pop())
    if above and not lines:
        lines[:], above = above, []
    return above


def _path(written_path: str) -> tuple[str, ...]:
    return tuple(quoted or bare for quoted, bare in _KEY.findall(written_path))


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)
