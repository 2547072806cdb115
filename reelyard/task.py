"""What a task is asked to do and what it answers, per kind: the whole of it, so a worker needs no
database. Times are in seconds, film positions in frames, sound positions in samples.

Never says where or when a task runs: that is the scheduler's business.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from reelyard.artifact import Artifact


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class Word(_Value):
    """One word as the author wrote it, and when it is heard, in seconds from the line's start."""

    text: str
    start: float
    end: float


class VoiceWork(_Value):
    """Speak a line: at its natural length, or fitted to `frames / fps` seconds."""

    kind: Literal["voice"] = "voice"
    text: str
    voice: str
    fps: int
    frames: int | None = None
    seed: int = 0


class VoiceResult(_Value):
    """A spoken line. `overflow_seconds` > 0: it did not fit, and was not cut."""

    kind: Literal["voice"] = "voice"
    audio: Artifact
    sample_rate: int
    samples: int
    natural_seconds: float
    words: tuple[Word, ...]
    rate: float = 1.0
    pause: float = 1.0
    overflow_seconds: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """How long the sound is."""
        return self.samples / self.sample_rate


class VideoWork(_Value):
    """Render one shot with one run of a model. `frames` is None until the narration has decided."""

    kind: Literal["video"] = "video"
    model: str
    prompt: str
    negative: str = ""
    width: int
    height: int
    fps: int
    frames: int | None
    steps: int
    guidance: float
    seed: int
    start_image: Artifact | None = None


class VideoResult(_Value):
    """A finished shot: the clip, its last picture (a shot may continue from it), a thumbnail."""

    kind: Literal["video"] = "video"
    clip: Artifact
    last_frame: Artifact
    thumbnail: Artifact
    frames: int
    notes: tuple[str, ...] = ()


class Clip(_Value):
    """A shot as the film uses it. A continuing shot repeats one picture, which is skipped."""

    artifact: Artifact
    frames: int
    skip_frames: int = 0


class FilmScene(_Value):
    """One scene of the timeline: its frames, its shots, and the line that is spoken over it."""

    frames: int
    clips: tuple[Clip, ...]
    voice: VoiceResult | None = None
    crossfade_frames: int = 0


class ComposeWork(_Value):
    """Put shots and lines into one film."""

    kind: Literal["compose"] = "compose"
    title: str
    width: int
    height: int
    fps: int
    scenes: tuple[FilmScene, ...]
    lufs: float = -16.0
    encoder: str = "libx264"
    language: str = "eng"


class FilmResult(_Value):
    """The finished film and what lies beside it."""

    kind: Literal["compose"] = "compose"
    film: Artifact
    poster: Artifact
    sheet: Artifact
    subtitles: Artifact | None
    frames: int
    seconds: float
    lufs: float | None
    true_peak_db: float | None
    notes: tuple[str, ...] = ()


class Checkpoint(_Value):
    """Where a stopped video task goes on: `step` of `steps` denoising steps are in the artifact.

    `state_version` says how the artifact is written: a worker that writes another one refuses it
    and begins anew. See `docs/checkpoints.md`.
    """

    artifact: Artifact
    step: int = Field(ge=1)
    steps: int = Field(ge=1)
    state_version: int = 1


Work = Annotated[VoiceWork | VideoWork | ComposeWork, Field(discriminator="kind")]
Result = Annotated[VoiceResult | VideoResult | FilmResult, Field(discriminator="kind")]


def artifacts_of(result: VoiceResult | VideoResult | FilmResult) -> tuple[Artifact, ...]:
    """Every file that the result names."""
    found = (getattr(result, name) for name in type(result).model_fields)
    return tuple(value for value in found if isinstance(value, Artifact))
