"""Cues as files have them: WebVTT beside the film, mov_text inside it. Never decides what a cue is.

Both show the author's text as it is: what a format would take for its own signs is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Final

from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.subtitles.subtitle import SubtitleSet

from worker.media.cues import Cue

_MILLISECOND: Final = Fraction(1, 1000)
_WORD_JOINER: Final = "\u2060"
"""Shown as nothing; keeps `\\n` in a text from being read as the end of a line."""

_HEADER: Final = (
    b"[Script Info]\r\nScriptType: v4.00+\r\n\r\n"
    b"[V4+ Styles]\r\n"
    b"Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, "
    b"Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, "
    b"Shadow, Alignment, MarginL, MarginR, MarginV, Encoding\r\n"
    b"Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,0\r\n"
    b"\r\n[Events]\r\n"
    b"Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\r\n"
)


def webvtt(cues: Sequence[Cue]) -> str:
    """The cues as a WebVTT file."""
    blocks = [
        f"{number}\n{_stamp(cue.start_ms)} --> {_stamp(cue.end_ms)}\n"
        + "\n".join(map(_escaped, cue.lines))
        for number, cue in enumerate(cues, start=1)
    ]
    return "\n\n".join(["WEBVTT", *blocks]) + "\n"


def mov_text(film: OutputContainer, cues: Sequence[Cue], language: str) -> Iterator[Packet[Stream]]:
    """Adds the track at once; its packets come in order of time."""
    stream = film.add_stream("mov_text")
    stream.metadata["language"] = language
    context = stream.codec_context
    context.time_base, context.subtitle_header = _MILLISECOND, _HEADER

    def packets() -> Iterator[Packet[Stream]]:
        for number, cue in enumerate(cues):
            text = "\\N".join(line.replace("\\", "\\" + _WORD_JOINER) for line in cue.lines)
            shown = cue.end_ms - cue.start_ms
            event = f"{number},0,Default,,0,0,0,,{text}".encode()
            packet = context.encode_subtitle(SubtitleSet.create(event, 0, shown, cue.start_ms))
            packet.stream, packet.time_base = stream, _MILLISECOND
            packet.pts = packet.dts = cue.start_ms
            packet.duration = shown
            yield packet

    return packets()


def _stamp(ms: int) -> str:
    seconds, ms = divmod(ms, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{ms:03}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
