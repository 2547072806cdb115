"""What a request may carry in its path, query, headers and small bodies. Values only."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints, field_validator

from reelyard.errors import NotFound
from reelyard.ids import is_id
from reelyard.predict.request import Request
from reelyard.states import JobState

MOST_EVENT = 2**63 - 1
_PLAIN = StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")


class JobPath(BaseModel):
    """A job by its id, or by the beginning of its id."""

    job_id: str = Field(description="A job's id, or enough of its beginning.")

    def checked(self) -> str:
        """The id as given. Raises NotFound for what can be no id."""
        return _checked(self.job_id, "job")


class TaskPath(BaseModel):
    """A task by its id."""

    task_id: str = Field(description="A task's id, such as `job-7k3m9x2qab.s01.voice`.")

    def checked(self) -> str:
        """The id as given. Raises NotFound for what can be no id."""
        return _checked(self.task_id, "task")


class WorkerPath(BaseModel):
    """A worker by its id."""

    worker_id: str


class TokenPath(BaseModel):
    """A token by its id: the part between the two underscores."""

    token_id: str


class ArtifactPath(BaseModel):
    """A file by the SHA-256 of its content."""

    sha256: str = Field(description="64 hexadecimal digits.")


class SubmitHeader(BaseModel):
    """What goes with a storyboard."""

    idempotency_key: (
        Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[\x20-\x7e]+$")]
        | None
    ) = Field(
        default=None,
        alias="Idempotency-Key",
        description="Any text of your own: sending it twice makes one job.",
    )


class StreamHeader(BaseModel):
    """Where a stream begins, as browsers say it when they come back."""

    last_event_id: int | None = Field(
        default=None,
        ge=0,
        le=MOST_EVENT,
        alias="Last-Event-ID",
        description="Replay what follows this event; goes before `after`.",
    )


class JobsQuery(BaseModel):
    """Which jobs."""

    state: list[JobState] = Field(default_factory=list, description="Any of these; all if empty.")
    limit: int = Field(default=50, ge=1, le=200)
    after: str | None = Field(default=None, description="`next_cursor` of the page before.")
    q: Annotated[str, _PLAIN] = Field(default="", description="In the title, or begins the id.")

    @field_validator("state", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """`state=done,failed` and `state=done&state=failed` mean the same."""
        if isinstance(value, list):
            return [part for item in value for part in str(item).split(",") if part]
        return value


class StoryQuery(BaseModel):
    """Which part of a story."""

    after: int = Field(default=0, ge=0, le=MOST_EVENT, description="Events after this number.")
    limit: int = Field(default=200, ge=1, le=1000)


class StreamQuery(BaseModel):
    """Where a stream begins."""

    after: int | None = Field(
        default=None, ge=0, le=MOST_EVENT, description="Replay what follows this event."
    )


class FileQuery(BaseModel):
    """How to hand over a file."""

    download: bool = Field(default=False, description="As a download instead of inline.")


class ArtifactQuery(FileQuery):
    """How to hand over a file that is only known by its content."""

    name: Annotated[str, _PLAIN] = Field(default="", description="A file name to save it under.")
    type: Annotated[str, _PLAIN] = Field(
        default="", description="Used only when no task says what the file is."
    )


class OverviewQuery(BaseModel):
    """How far back the throughput goes."""

    minutes: int = Field(default=60, ge=1, le=10_080)


class FitQuery(BaseModel):
    """Over which devices."""

    all: bool = Field(default=False, description="Every type that the catalog knows.")


class PredictionsBody(BaseModel, extra="forbid"):
    """Runs that somebody thinks of."""

    requests: list[Request] = Field(min_length=1, max_length=1000)


class QueueQuery(BaseModel):
    """How much of the queue."""

    limit: int = Field(default=100, ge=1, le=1000)


class CancelBody(BaseModel, extra="forbid"):
    """Why a job is cancelled. May be left out altogether."""

    because: Annotated[str, _PLAIN] = Field(default="", examples=["the wrong voice"])


class TokenBody(BaseModel, extra="forbid"):
    """A token to be made."""

    name: Annotated[
        str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")
    ] = Field(examples=["anna's laptop"])


def _checked(text: str, what: str) -> str:
    if not is_id(text):
        raise NotFound(f"There is no {what} {text[:100]!r}.")
    return text
