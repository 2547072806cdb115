"""Pictures, sound and cues into one mp4, in one pass, one picture in memory at a time.

Picture f is shown at f / fps exactly. The sound is copied in as it was encoded, so it is coded
once; the file's edit list hides the encoder's priming, so its first sample is heard at 0. Never
decides what is shown, heard or read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Final

import av
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from worker.media.clip import Picture
from worker.media.colour import mark, to_yuv
from worker.media.cues import Cue
from worker.media.sound import MP4
from worker.media.subtitles import mov_text

ENCODERS: Final = MappingProxyType(
    {
        "libx264": {"crf": "18", "preset": "medium", "profile": "high"},
        "libvpx-vp9": {"crf": "24", "b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"},
        "libsvtav1": {"crf": "26", "preset": "8"},
    }
)
"""By name, with what they are told. H.264 plays everywhere; the others are free of its patents."""

_KEYFRAME_SECONDS: Final = 4


@dataclass(frozen=True, slots=True)
class FilmFormat:
    """What kind of file. Sides are even: 4:2:0 halves them."""

    width: int
    height: int
    fps: int
    encoder: str
    title: str
    language: str


def has_encoder(name: str) -> bool:
    """This machine's FFmpeg can do it."""
    return name in ENCODERS and name in av.codecs_available


def write_film(
    path: Path,
    form: FilmFormat,
    pictures: Iterable[Picture],
    sound: Path,
    cues: Sequence[Cue],
    tell: Callable[[int], None],
) -> int:
    """Write it, and say how many pictures it has. `tell` hears how many are done, and may raise."""
    with (
        av.open(str(sound)) as heard,
        av.open(str(path), "w", format="mp4", options={**MP4, "movflags": "+faststart"}) as film,
    ):
        film.metadata["title"] = form.title
        video = _video(film, form)
        beside = [_Track(_copied(film, heard, form.language))]
        if cues:
            beside.append(_Track(mov_text(film, cues, form.language)))
        count = 0
        for count, picture in enumerate(pictures, start=1):
            film.mux(video.encode(_frame(picture, count - 1, form.fps)))
            for track in beside:
                film.mux(track.until(Fraction(count, form.fps)))
            tell(count)
        film.mux(video.encode(None))
        for track in beside:
            film.mux(track.until(None))
    return count


class _Track:
    """Packets in order of time, handed out up to a moment."""

    def __init__(self, packets: Iterator[Packet[Stream]]) -> None:
        self._packets = packets
        self._next = next(packets, None)

    def until(self, seconds: Fraction | None) -> list[Packet[Stream]]:
        """All that begin before this; None: all that are left."""
        ready: list[Packet[Stream]] = []
        while self._next is not None and (seconds is None or _time(self._next) < seconds):
            ready.append(self._next)
            self._next = next(self._packets, None)
        return ready


def _video(film: OutputContainer, form: FilmFormat) -> VideoStream:
    options = {**ENCODERS[form.encoder], "g": str(_KEYFRAME_SECONDS * form.fps)}
    stream = film.add_stream(form.encoder, rate=form.fps, options=options)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height, stream.pix_fmt = form.width, form.height, "yuv420p"
    stream.codec_context.time_base = Fraction(1, form.fps)
    mark(stream)
    return stream


def _frame(picture: Picture, index: int, fps: int) -> VideoFrame:
    frame = to_yuv(VideoFrame.from_ndarray(picture, format="rgb24"))
    frame.pts, frame.time_base = index, Fraction(1, fps)  # reformat forgets them
    return frame


def _copied(
    film: OutputContainer, heard: av.container.InputContainer, language: str
) -> Iterator[Packet[Stream]]:
    """The sound as it is; the track is added at once."""
    source = heard.streams.audio[0]
    stream = film.add_stream_from_template(source)
    stream.metadata["language"] = language

    def packets() -> Iterator[Packet[Stream]]:
        for packet in heard.demux([source]):
            if packet.pts is not None:  # the last one is empty: it only says the end
                packet.stream = stream
                yield packet

    return packets()


def _time(packet: Packet[Stream]) -> Fraction:
    assert packet.pts is not None
    return packet.pts * Fraction(packet.time_base or 0)
