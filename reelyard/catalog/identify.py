"""Which type of the catalog a device is: by its own name, memory telling variants apart.

Cautious on purpose: a name that is not known is no type at all. A laptop's GPU or a slice of a card
shares words with a card that is several times as fast. Never asks a device anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from reelyard.catalog.device import DeviceType

GIB = 1024.0**3
_LEAST_SHARE, _MOST_SHARE = 0.85, 1.1
"""Of the memory that the catalog names: driver, ECC and system keep some, and differ in it."""
_REBUILT = 2.0
"""Cards are sold again with twice the memory; everything else about them stays."""
_SAYS_NOTHING = frozenset({"nvidia", "amd", "geforce", "rtx", "tesla", "quadro", "gpu", "graphics"})
_WORD = re.compile(r"[a-z]+[0-9]+[a-z0-9]*|[0-9]+[a-z]*|[a-z]+")
_RUN_TOGETHER = re.compile(r"\brtx(?=[0-9a])")
_MEMORY = re.compile(r"\b([0-9]+)\s?g(?:i?b)?\b")


def device_type(
    name: str, memory_gib: float | None, devices: Mapping[str, DeviceType]
) -> DeviceType | None:
    """The type of a device that NVML or the board calls `name`.

    `memory_gib` is all the memory that the device counts, in GiB (a Jetson: its RAM); None when it
    is not known, and then a name that several types share has no answer.
    """
    named = _exactly(name, devices.values()) or _by_words(name, devices.values())
    told = _memory_in(name) if memory_gib is None else memory_gib
    if told is None:
        return _only(named)
    as_sold = [one for one in named if _fits(told, one)]
    return _only(as_sold or [one for one in named if _fits(told / _REBUILT, one)])


def find_device(asked: str, devices: Mapping[str, DeviceType]) -> DeviceType | None:
    """What a person means: an id of the catalog, a full name, or a short one ("RTX 4090",
    "A100 80GB") that only one type answers to."""
    if asked in devices:
        return devices[asked]
    plain = _plain(asked)
    titled = [one for one in devices.values() if plain in {_plain(one.id), _plain(one.name)}]
    return _only(titled) or device_type(asked, None, devices)


def _exactly(name: str, devices: Iterable[DeviceType]) -> list[DeviceType]:
    plain = _plain(name)
    return [one for one in devices if any(_plain(known) == plain for known in one.match)]


def _by_words(name: str, devices: Iterable[DeviceType]) -> list[DeviceType]:
    """The types that have a name of the same words, whatever says nothing about speed left out. One
    word more or less ("Laptop", "SUPER", "MIG") is another device."""
    words = _words(name)
    return [one for one in devices if words and any(_words(k) == words for k in one.match)]


def _plain(name: str) -> str:
    apart = _RUN_TOGETHER.sub("rtx ", name.casefold())
    return " ".join(apart.replace("(r)", " ").replace("(tm)", " ").split())


def _words(name: str) -> frozenset[str]:
    without_memory = _MEMORY.sub(" ", _plain(name))
    return frozenset(_WORD.findall(without_memory)) - _SAYS_NOTHING


def _memory_in(name: str) -> float | None:
    """GiB, as in "A100 80GB"."""
    found = _MEMORY.search(_plain(name))
    return float(found[1]) if found else None


def _fits(memory_gib: float, device: DeviceType) -> bool:
    share = memory_gib * GIB / (device.memory_gb.value * 1e9)
    return _LEAST_SHARE <= share <= _MOST_SHARE


def _only(found: Iterable[DeviceType]) -> DeviceType | None:
    """The one that was found; None when there are none or several."""
    one, *others = [*found, None]
    return one if others == [None] else None
