"""Pictures to files and back: nearly lossless, in BT.709, every one of them."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from worker.media.clip import even, read_clip, write_clip, write_jpeg, write_png, write_thumbnail
from worker.media.reel import DamagedClip, Reel, Shot, fitted, pictures

COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 0, 0), (255, 255, 255))


def flat(colours: tuple[tuple[int, int, int], ...], side: int = 32) -> NDArray[np.uint8]:
    frames = np.zeros((len(colours), side, side, 3), np.uint8)
    frames[:] = np.array(colours, np.uint8)[:, None, None]
    return frames


def gray(levels: list[int], side: int = 32) -> NDArray[np.uint8]:
    return flat(tuple((level, level, level) for level in levels), side)


def seen(reels: list[Reel], side: int = 32) -> list[int]:
    """The level of every picture of a film of gray clips."""
    return [round(float(picture.mean())) for picture in pictures(reels, side, side)]


def close(found: list[int], expected: list[int]) -> bool:
    return len(found) == len(expected) and all(
        abs(a - b) <= 2 for a, b in zip(found, expected, strict=True)
    )


def test_colours_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_clip(flat(COLOURS), 12, path)
    back = list(read_clip(path))
    assert len(back) == len(COLOURS)
    for picture, colour in zip(back, COLOURS, strict=True):
        np.testing.assert_allclose(picture.mean(axis=(0, 1)), colour, atol=4)


def test_the_file_says_what_its_colours_mean_and_how_fast_it_is(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_clip(flat(COLOURS), 12, path)
    with av.open(str(path)) as clip:
        stream, context = clip.streams.video[0], clip.streams.video[0].codec_context
        assert (context.colorspace, context.color_primaries, context.color_trc) == (1, 1, 1)
        assert (stream.average_rate, stream.frames, context.pix_fmt) == (12, 6, "yuv420p")


@pytest.mark.parametrize("size", [(33, 32), (32, 33), (33, 33), (17, 3)])
def test_odd_sides_get_their_last_row_or_column_twice(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    height, width = size
    frames = np.full((3, height, width, 3), 90, np.uint8)
    path = tmp_path / "clip.mp4"
    write_clip(frames, 12, path)
    (picture, *_) = read_clip(path)
    assert picture.shape == (height + height % 2, width + width % 2, 3)
    assert even(frames)[0, -1, -1].tolist() == [90, 90, 90]


@pytest.mark.parametrize("shape", [(0, 8, 8, 3), (4, 8, 8, 1), (8, 8, 3)])
def test_what_is_no_clip_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="a clip is"):
        write_clip(np.zeros(shape, np.uint8), 12, tmp_path / "clip.mp4")


def test_single_pictures_and_thumbnails(tmp_path: Path) -> None:
    dice = np.random.default_rng(0)
    picture = dice.integers(0, 255, (90, 640, 3)).astype(np.uint8)
    write_png(picture, tmp_path / "a.png")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), picture)
    write_thumbnail(picture, tmp_path / "a.jpg")
    assert Image.open(tmp_path / "a.jpg").size == (320, 45)
    write_thumbnail(picture[:, :100], tmp_path / "b.jpg")
    assert Image.open(tmp_path / "b.jpg").size == (100, 90)
    write_jpeg(picture, tmp_path / "c.jpg")
    assert Image.open(tmp_path / "c.jpg").size == (640, 90)


def test_a_scene_has_exactly_its_frames(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_clip(gray([10, 60, 110, 160, 210]), 12, path)
    shot = Shot(path, 5)
    assert close(seen([Reel((shot,), 3)]), [10, 60, 110])
    assert close(seen([Reel((shot,), 7)]), [10, 60, 110, 160, 210, 210, 210])
    assert close(seen([Reel((Shot(path, 3), Shot(path, 5, 2)), 6)]), [10, 60, 110, 110, 160, 210])


def test_a_crossfade_lies_in_the_first_frames_of_the_incoming_scene(tmp_path: Path) -> None:
    dark, light = tmp_path / "dark.mp4", tmp_path / "light.mp4"
    write_clip(gray([20] * 4), 12, dark)
    write_clip(gray([220] * 6), 12, light)
    before, after = Reel((Shot(dark, 4),), 4, 3), Reel((Shot(light, 6),), 6, 3)
    assert close(seen([before, after]), [20] * 4 + [70, 120, 170] + [220] * 3)


def test_a_crossfade_longer_than_its_scene_ends_with_it(tmp_path: Path) -> None:
    dark, light = tmp_path / "dark.mp4", tmp_path / "light.mp4"
    write_clip(gray([20] * 4), 12, dark)
    write_clip(gray([220] * 6), 12, light)
    faded = seen([Reel((Shot(dark, 4),), 1), Reel((Shot(light, 6),), 2, 50)])
    assert close(faded, [20, 120, 220])


def test_a_picture_of_another_size_fills_the_film(tmp_path: Path) -> None:
    wide = np.zeros((40, 120, 3), np.uint8)
    wide[:, 40:80] = 200
    assert fitted(wide, 40, 40).mean() == pytest.approx(200, abs=3)
    assert fitted(wide, 60, 20).shape == (20, 60, 3)
    assert fitted(wide[:, :39], 38, 40).shape == (40, 38, 3)
    assert fitted(wide, 120, 40) is wide


def test_clips_that_cannot_be_read_name_their_scene(tmp_path: Path) -> None:
    good, text, sound = tmp_path / "good.mp4", tmp_path / "text.mp4", tmp_path / "sound.m4a"
    write_clip(gray([20] * 4), 12, good)
    text.write_text("no clip")
    with av.open(str(sound), "w", format="mp4") as file:
        file.add_stream("aac", rate=48_000, layout="mono")
        file.start_encoding()
    for bad in (Shot(text, 4), Shot(sound, 4), Shot(good, 4, 4)):
        with pytest.raises(DamagedClip, match="scene 2"):
            seen([Reel((Shot(good, 4),), 4), Reel((bad,), 4)])
