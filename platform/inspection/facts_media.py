"""Facts about sound and moving pictures, by MediaInfo; blackness by OpenCV's own decoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def by_mediainfo(path: Path, code: str) -> dict[str, Any]:
    """{duration_seconds, audio_streams, video_streams, width, height, fps, codecs, …}."""
    from pymediainfo import MediaInfo  # noqa: PLC0415 (loaded in the warm parent only)

    tracks = MediaInfo.parse(str(path), parse_speed=0.5).tracks
    sounds = [track for track in tracks if track.track_type == "Audio"]
    pictures = [track for track in tracks if track.track_type == "Video"]
    if not sounds and not pictures:
        raise ValueError("no sound and no picture")
    general = next((track for track in tracks if track.track_type == "General"), None)
    lengths = [t.duration for t in (general, *pictures, *sounds) if t is not None and t.duration]
    known: dict[str, Any] = {
        "container": general.format if general else None,
        "duration_seconds": round(float(lengths[0]) / 1000, 3) if lengths else None,
        "audio_streams": len(sounds), "video_streams": len(pictures),
        "codecs": [track.format for track in (*pictures, *sounds)],
        "truncated": bool(general and getattr(general, "istruncated", None)),
    }
    if sounds:
        known |= {"sample_rate": sounds[0].sampling_rate, "channels": sounds[0].channel_s}
    if pictures:
        rate = pictures[0].frame_rate
        known |= {"width": pictures[0].width, "height": pictures[0].height}
        known |= {"fps": float(rate) if rate else None} | _look(path)
    return known


def _look(path: Path) -> dict[str, Any]:
    """Mean brightness and contrast of the brightest of three frames."""
    import cv2  # noqa: PLC0415

    cv2.setNumThreads(1)
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    try:
        count = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
        seen = []
        for place in (0, count // 3, 2 * count // 3):
            if place:
                video.set(cv2.CAP_PROP_POS_FRAMES, place)
            ok, frame = video.read()
            if ok:
                seen.append((float(frame.mean()), float(frame.std())))
    finally:
        video.release()
    if not seen:
        return {}
    bright, contrast = max(seen, key=lambda one: one[1])
    return {"brightness": round(bright, 1), "contrast": round(contrast, 1)}
