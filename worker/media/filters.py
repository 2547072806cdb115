"""Sound through FFmpeg's filters, in memory, block by block. Sound is mono float32 [samples]."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.filter import Graph
from numpy.typing import NDArray

_BLOCK: Final = 4096

Chain = Sequence[tuple[str, str]]
"""(filter, arguments) in order."""


def through(audio: NDArray[np.float32], rate: int, chain: Chain) -> NDArray[np.float32]:
    """What comes out of the chain."""
    pieces = [samples_of(frame) for frame in stream(blocks(audio), rate, chain)]
    return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)


def stream(sound: Iterable[NDArray[np.float32]], rate: int, chain: Chain) -> Iterator[AudioFrame]:
    """What comes out of the chain as it does: for sounds too long to hold twice."""
    graph = Graph()
    source = graph.add_abuffer(
        format="flt",
        sample_rate=rate,
        layout="mono",
        time_base=f"1/{rate}",  # type: ignore[arg-type]
    )
    last = source
    for name, arguments in [*chain, ("aformat", "sample_fmts=flt:channel_layouts=mono")]:
        step = graph.add(name, arguments)
        last.link_to(step)
        last = step
    last.link_to(graph.add("abuffersink"))
    graph.configure()
    first = 0
    for block in sound:
        source.push(audio_frame(block, rate, first))
        first += len(block)
        yield from _ready(graph)
    source.push(None)
    yield from _ready(graph)


def blocks(audio: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """The sound in pieces that a filter takes at once."""
    for first in range(0, len(audio), _BLOCK):
        yield audio[first : first + _BLOCK]


def audio_frame(
    audio: NDArray[np.float32], rate: int, first: int, format: str = "flt"
) -> AudioFrame:
    """Mono samples as a frame that begins at sample `first`."""
    block = np.ascontiguousarray(audio[None], dtype=np.float32)
    frame = AudioFrame.from_ndarray(block, format=format, layout="mono")
    frame.sample_rate, frame.pts = rate, first
    return frame


def samples_of(frame: AudioFrame) -> NDArray[np.float32]:
    """The sound of a frame of one channel."""
    return np.asarray(frame.to_ndarray(), dtype=np.float32).ravel()


def resample(
    audio: NDArray[np.float32], rate: int, to_rate: int, samples: int
) -> NDArray[np.float32]:
    """The same sound at another rate, made `samples` long: the filter's own end may be one off."""
    if rate != to_rate:
        audio = through(audio, rate, [("aresample", str(to_rate))])
    return np.pad(audio[:samples], (0, max(0, samples - len(audio))))


def _ready(graph: Graph) -> Iterator[AudioFrame]:
    while True:
        try:
            frame = graph.pull()
        except (av.error.EOFError, av.error.BlockingIOError):
            return
        assert isinstance(frame, AudioFrame)
        yield frame
