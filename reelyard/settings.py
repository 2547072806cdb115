"""What can be set: read once from `REELYARD_*` into a frozen value, every problem at once.

Secrets are read from files or the environment, never from flags.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from reelyard.errors import InvalidInput, Problem
from reelyard.terms import name_problems


class Settings(BaseSettings):
    """One farm's settings, the same for every service."""

    model_config = SettingsConfigDict(env_prefix="REELYARD_", frozen=True, extra="ignore")

    # Where things are.
    state: Path = Path(".reelyard")
    broker_url: str = ""
    database_url: str = ""
    store_url: str = ""
    url: str = "http://127.0.0.1:8700"
    models_dir: Path | None = None
    catalog_file: Path | None = None
    prices_file: Path | None = None  # what power and rented devices cost; none are built in
    metrics_open: bool = False  # /metrics without a token, not only on the machine itself

    # S3, where `store_url` is s3://bucket/prefix. Credentials come from boto3's usual places.
    s3_endpoint: str = ""

    # Limits of one request.
    max_scenes: int = 200
    max_scene_characters: int = 2_000
    max_script_bytes: int = 1_000_000
    max_pixels: int = 1920 * 1088
    max_side: int = 4096
    max_scene_seconds: float = 120.0
    max_film_seconds: float = 1_800.0
    max_running_jobs: int = 200

    # Heartbeats and leases, in seconds.
    heartbeat_seconds: float = Field(default=2.0, gt=0)
    lease_seconds: float = Field(default=20.0, gt=0)
    silence_seconds: float = Field(default=15.0, gt=0)
    resend_seconds: float = Field(default=5.0, gt=0)
    tick_seconds: float = Field(default=1.0, gt=0)
    max_attempts: int = Field(default=4, ge=1)
    ahead_seconds: float = Field(default=10.0, ge=0)  # a short task is sent so early; 0: never

    # Work.
    worker_id: str = ""
    tags: Annotated[tuple[str, ...], NoDecode] = ()  # comma separated: jobs may ask for them
    storage: str = ""  # what holds the models: workers that name the same share its speed
    encoder: str = "libx264"
    cpu_memory_share: float = Field(default=0.75, gt=0, le=1)
    threads: int = Field(default=0, ge=0)
    engine_nice: int = Field(default=10, ge=0, le=19)  # the machine's other work comes first
    allow_hub: bool = True

    @field_validator("tags", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """`night, big-disk`, as it stands in the environment."""
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("tags", "storage")
    @classmethod
    def _are_names(cls, value: tuple[str, ...] | str) -> tuple[str, ...] | str:
        """Held to the same form as the tags that jobs ask for."""
        names = value if isinstance(value, tuple) else (value,) if value else ()
        if wrong := list(name_problems("", names)):
            raise ValueError(f"{wrong[0].value} {wrong[0].message}; limit {wrong[0].limit}")
        return value


def read_settings(**given: object) -> Settings:
    """Settings from the environment, with what is `given` on top. Raises InvalidInput."""
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as wrong:
        raise InvalidInput(
            [
                Problem(
                    field="REELYARD_" + "_".join(str(part) for part in error["loc"]).upper(),
                    message=error["msg"],
                    value=str(error.get("input", ""))[:80],
                    remedy="Correct it in the environment or in the command.",
                )
                for error in wrong.errors()
            ]
        ) from None
