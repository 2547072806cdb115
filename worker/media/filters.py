"""Sound through FFmpeg's filters, in memory. Sound is mono float32 [samples]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.filter import Graph
from numpy.typing import NDArray

_BLOCK: Final = 1024


def through(
    audio: NDArray[np.float32], rate: int, chain: Sequence[tuple[str, str]]
) -> NDArray[np.float32]:
    """What comes out of the chain of (filter, arguments), as mono float32."""
    graph = Graph()
    last = graph.add_abuffer(
        format="flt",
        sample_rate=rate,
        layout="mono",
        time_base=f"1/{rate}",  # type: ignore[arg-type]
    )
    source = last
    for name, arguments in [*chain, ("aformat", "sample_fmts=flt:channel_layouts=mono")]:
        step = graph.add(name, arguments)
        last.link_to(step)
        last = step
    last.link_to(graph.add("abuffersink"))
    graph.configure()
    for start in range(0, len(audio), _BLOCK):
        frame = AudioFrame.from_ndarray(
            np.ascontiguousarray(audio[None, start : start + _BLOCK], dtype=np.float32),
            format="flt",
            layout="mono",
        )
        frame.sample_rate, frame.pts = rate, start
        source.push(frame)
    source.push(None)
    return _drain(graph)


def resample(audio: NDArray[np.float32], rate: int, to_rate: int) -> NDArray[np.float32]:
    """The same sound at another rate; its length is right to a sample or so."""
    if rate == to_rate:
        return audio
    return through(audio, rate, [("aresample", f"{to_rate}")])


def _drain(graph: Graph) -> NDArray[np.float32]:
    pieces: list[NDArray[np.float32]] = []
    while True:
        try:
            frame = graph.pull()
        except (av.error.EOFError, av.error.BlockingIOError):
            return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
        assert isinstance(frame, AudioFrame)
        pieces.append(np.asarray(frame.to_ndarray(), dtype=np.float32).ravel())
