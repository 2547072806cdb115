"""Voices and styles of the catalog."""

from __future__ import annotations

from pydantic import Field

from reelyard.catalog.entry import Entry


class Voice(Entry):
    """A voice and the engine that speaks it."""

    id: str
    name: str
    engine: str
    repo: str = ""
    language: str
    licence: str
    about: str = ""
    memory_gib: float = Field(gt=0)
    component: str = Field(default="", description="Its network, where the catalog has it.")


class Style(Entry):
    """Words added to every picture prompt."""

    id: str
    adds: str
    about: str = ""
