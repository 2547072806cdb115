"""What every table of the catalog has in common. Never reads a file."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Entry(BaseModel):
    """A checked table: frozen, and no field beyond those that are known."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
