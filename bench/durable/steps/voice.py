"""A line that is said at once."""

from __future__ import annotations

from bench.durable.first_line import note
from bench.durable.nothing import NOTHING
from reelyard.task import VoiceResult, VoiceWork
from worker.desk import Desk


def run(work: VoiceWork, desk: Desk) -> VoiceResult:
    note(desk)
    desk.resident(work.voice, object)
    return VoiceResult(audio=NOTHING, sample_rate=1, samples=1, natural_seconds=1.0, words=())
