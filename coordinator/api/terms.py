"""What a request may say of a job's urgency, its times and its place. Values only."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, field_validator

from reelyard.states import Band
from reelyard.terms import LONGEST_REASON, Terms

_REASON = StringConstraints(max_length=LONGEST_REASON, pattern=r"^[^\x00-\x1f\x7f]*$")
_PRIORITY = "0 to 100: within a band, higher goes first."
_DEADLINE = "When it should be done."
_START = "Nothing of it is started before this."
_POOLS = "Only devices in one of these pools."
_TAGS = "Only workers that have all of these tags."


class SubmitQuery(BaseModel):
    """How to take a storyboard. `pool` and `tag` may be repeated."""

    priority: int = Field(default=50, ge=0, le=100, description=_PRIORITY)
    band: Band = Field(default=Band.NORMAL, description="A band is served before the next.")
    deadline: AwareDatetime | None = Field(default=None, description=_DEADLINE)
    start_after: AwareDatetime | None = Field(default=None, description=_START)
    hold: Annotated[str, _REASON] | None = Field(
        default=None, description="Take it, but start nothing until it is released; says why."
    )
    pool: list[str] = Field(default_factory=list, description=_POOLS)
    tag: list[str] = Field(default_factory=list, description=_TAGS)

    @field_validator("pool", "tag", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """`tag=a,b` and `tag=a&tag=b` mean the same."""
        if isinstance(value, list):
            return [part for item in value for part in str(item).split(",") if part]
        return value

    @property
    def terms(self) -> Terms:
        """All but the priority."""
        return Terms(
            band=self.band,
            deadline=_seconds(self.deadline),
            start_after=_seconds(self.start_after),
            hold=self.hold,
            pools=tuple(dict.fromkeys(self.pool)),
            tags=tuple(dict.fromkeys(self.tag)),
        )


class ReasonBody(BaseModel, extra="forbid"):
    """Why. May be left out altogether."""

    because: Annotated[str, _REASON] = Field(default="", examples=["the client looks first"])


class ChangeBody(BaseModel, extra="forbid"):
    """What is changed of a job; the rest stays. A time that is null is taken away, an empty list
    means any."""

    priority: int = Field(default=50, ge=0, le=100, description=_PRIORITY)
    band: Band = Field(default=Band.NORMAL, description="Another band also ends a jump.")
    deadline: AwareDatetime | None = Field(default=None, description=_DEADLINE)
    start_after: AwareDatetime | None = Field(default=None, description=_START)
    pools: list[str] = Field(default_factory=list, description=_POOLS)
    tags: list[str] = Field(default_factory=list, description=_TAGS)

    @property
    def asked(self) -> dict[str, Any]:
        """As the job's row has it, of what was said only."""
        said = self.model_dump(exclude_unset=True)
        for name in ("pools", "tags"):
            if name in said:
                said[name] = list(dict.fromkeys(said[name]))
        for name in ("deadline", "start_after"):
            if name in said:
                said[name] = _seconds(said[name])
        return said


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
