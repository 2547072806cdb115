"""Cues as a WebVTT file."""

from __future__ import annotations

from worker.media.cues import Cue
from worker.media.subtitles import webvtt


def test_the_file_is_webvtt_with_lines_and_times() -> None:
    cues = [Cue(0, 1500, ("One",)), Cue(3_723_004, 3_725_000, ("Two lines,", "of text"))]
    assert webvtt(cues) == (
        "WEBVTT\n\n"
        "1\n00:00:00.000 --> 00:00:01.500\nOne\n\n"
        "2\n01:02:03.004 --> 01:02:05.000\nTwo lines,\nof text\n"
    )


def test_what_would_be_markup_is_text() -> None:
    said = webvtt([Cue(0, 900, ("<b>1 & 2</b> --> &amp;",))])
    assert said.endswith("\n&lt;b&gt;1 &amp; 2&lt;/b&gt; --&gt; &amp;amp;\n")
    assert said.count("-->") == 1


def test_no_cues_make_an_empty_file() -> None:
    assert webvtt([]) == "WEBVTT\n"
