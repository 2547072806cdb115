"""A real little film with sound, poster, sheet and subtitles, drawn in a moment for pages."""

from __future__ import annotations

import hashlib
import io
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw

from reelyard.artifact import Artifact

WIDTH, HEIGHT, FPS, SECONDS, RATE = 448, 256, 12, 4, 24_000
SUBTITLES = (
    "WEBVTT\n\n00:00.000 --> 00:02.000\nIn the evening the sun sinks into the water.\n\n"
    "00:02.000 --> 00:04.000\nThen the boats come home.\n"
)
SKIES = {
    "evening": ((40, 44, 92), (238, 148, 92), (250, 214, 120)),
    "day": ((92, 160, 220), (196, 226, 240), (255, 244, 200)),
    "night": ((8, 12, 34), (36, 48, 96), (232, 236, 244)),
    "dawn": ((92, 72, 128), (244, 176, 160), (255, 226, 190)),
}


@dataclass(frozen=True)
class Held:
    """An artifact and its bytes."""

    artifact: Artifact
    data: bytes


def held(name: str, media_type: str, data: bytes) -> Held:
    digest = hashlib.sha256(data).hexdigest()
    return Held(
        Artifact(name=name, media_type=media_type, size_bytes=len(data), sha256=digest), data
    )


def picture(sky: str, at: float) -> Image.Image:
    """Sea and sky with a sun or moon that sinks as `at` goes from 0 to 1."""
    top, bottom, disc = SKIES[sky]
    blend = np.linspace(0, 1, HEIGHT)[:, None, None]
    pixels = (1 - blend) * np.array(top) + blend * np.array(bottom)
    image = Image.fromarray(np.broadcast_to(pixels, (HEIGHT, WIDTH, 3)).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    y, x = 40 + int(120 * at), 250 + int(60 * at)
    draw.ellipse((x, y, x + 56, y + 56), fill=disc)
    draw.rectangle((0, 176, WIDTH, HEIGHT), fill=tuple(int(part * 0.55) for part in bottom))
    boat = 90 + int(80 * at)
    draw.polygon(
        [(boat, 190), (boat + 60, 190), (boat + 48, 208), (boat + 12, 208)], fill=(150, 44, 48)
    )
    draw.polygon([(boat + 28, 140), (boat + 28, 186), (boat + 58, 186)], fill=(244, 240, 232))
    return image


def jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=82)
    return buffer.getvalue()


def sheet(sky: str) -> bytes:
    """Four pictures beside each other."""
    whole = Image.new("RGB", (WIDTH * 2, HEIGHT * 2))
    for place in range(4):
        whole.paste(picture(sky, place / 3), (WIDTH * (place % 2), HEIGHT * (place // 2)))
    return jpeg(whole)


def film(sky: str) -> bytes:
    """H.264 and AAC in an mp4 that a browser can seek in."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "film.mp4")
        _write(path, sky)
        return path.read_bytes()


def _write(path: Path, sky: str) -> None:
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = container.add_stream("aac", rate=RATE, layout="mono")
        for number in range(FPS * SECONDS):
            image = picture(sky, number / (FPS * SECONDS))
            container.mux(video.encode(av.VideoFrame.from_image(image)))
        container.mux(video.encode())
        for start in range(0, RATE * SECONDS, 1024):
            container.mux(audio.encode(_tone(start)))
        container.mux(audio.encode())


def _tone(start: int) -> av.AudioFrame:
    times = (start + np.arange(1024)) / RATE
    samples = (0.1 * np.sin(2 * np.pi * 220 * times)).astype(np.float32)[None, :]
    frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
    return frame
