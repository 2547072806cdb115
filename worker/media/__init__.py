"""Pictures and sound as files: timeline, muxing, subtitles, thumbnails, loudness, by PyAV."""
