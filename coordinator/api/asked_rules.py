"""What a request about the house rules may carry beside the document. Values only."""

from __future__ import annotations

from pydantic import BaseModel, Field

from reelyard.errors import NotFound

_MOST_REVISION = 2**63 - 1


class RevisionPath(BaseModel):
    """A revision by its number."""

    revision: str = Field(description="A number of `GET /rules/history`.")

    def checked(self) -> int:
        """The number. Raises NotFound for what can be none."""
        is_number = self.revision.isascii() and self.revision.isdecimal()
        if not is_number or not 0 < int(self.revision[:20]) <= _MOST_REVISION:
            raise NotFound(
                f"There is no revision {self.revision[:40]!r}.",
                "`reelyard rules history` lists them.",
            )
        return int(self.revision)


class HistoryQuery(BaseModel):
    """Which revisions."""

    before: int | None = Field(default=None, ge=1, le=_MOST_REVISION)
    limit: int = Field(default=50, ge=1, le=200)


class IfMatchHeader(BaseModel):
    """On which revision a change was made."""

    if_match: str | None = Field(
        default=None,
        alias="If-Match",
        pattern=r'^\s*(\*|"?\d{1,18}"?)\s*$',
        description='The revision that was changed, such as `"7"`. Left out: whatever it is now.',
    )

    def is_other(self, present: int) -> bool:
        """Was another one changed than the present one?"""
        named = (self.if_match or "*").strip().strip('"')
        return named != "*" and int(named) != present
