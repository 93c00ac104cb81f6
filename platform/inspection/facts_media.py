"""Facts about sound and moving pictures, by MediaInfo; blackness by OpenCV's own decoder."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from inspection.looks import film_of, opened
from inspection.whole import is_whole


def by_mediainfo(path: Path, code: str) -> dict[str, Any]:
    """{duration_seconds, audio_streams, video_streams, width, height, fps, codecs, …}."""
    from pymediainfo import MediaInfo  # noqa: PLC0415 (loaded in the warm parent only)

    if code == "aac":
        return _adts(path)
    tracks = MediaInfo.parse(str(path), parse_speed=0.5).tracks
    sounds = [track for track in tracks if track.track_type == "Audio"]
    pictures = [track for track in tracks if track.track_type == "Video"]
    if not sounds and not pictures:
        raise ValueError("no sound and no picture")
    general = next((track for track in tracks if track.track_type == "General"), None)
    lengths = [t.duration for t in (general, *pictures, *sounds) if t is not None and t.duration]
    played = [float(t.duration) for t in (*pictures, *sounds) if t.duration]
    if played and any(track.track_type == "Text" for track in tracks):
        lengths = [max(played)]  # subtitles may go on when the film has ended
    known: dict[str, Any] = {
        "container": general.format if general else None,
        "duration_seconds": round(float(lengths[0]) / 1000, 3) if lengths else None,
        "audio_streams": len(sounds),
        "video_streams": len(pictures),
        "codecs": [track.format for track in (*pictures, *sounds)],
        "whole": is_whole(path, code) and not getattr(general, "istruncated", None),
    }
    if seconds := _own_seconds(path, code, whole=known["whole"]):
        known["duration_seconds"] = round(seconds, 3)
    if sounds and pictures and sounds[0].duration:
        known["audio_seconds"] = round(float(sounds[0].duration) / 1000, 3)
    if sounds:
        known |= {"sample_rate": sounds[0].sampling_rate, "channels": sounds[0].channel_s}
    if not pictures:
        return known
    moving = _moving(pictures[0], path)
    counted = moving.pop("counted_seconds", None)
    known["duration_seconds"] = known["duration_seconds"] or counted
    return known | moving


def _moving(picture: Any, path: Path) -> dict[str, Any]:
    rate = picture.frame_rate
    quarters = round(float(picture.rotation or 0) / 90) % 4  # clockwise, as players show it
    sides = (picture.height, picture.width) if quarters % 2 else (picture.width, picture.height)
    known: dict[str, Any] = {"width": sides[0], "height": sides[1]}
    known["fps"] = float(rate) if rate else None
    # OpenCV 5 gives no pixels of interlaced frames, and says nothing of it.
    return known if picture.scan_type in ("Interlaced", "MBAFF") else known | _look(path, quarters)


def _own_seconds(path: Path, code: str, *, whole: bool) -> float | None:
    """The length where MediaInfo believes a head that lies, or takes the file for another."""
    if code in _BY_HEAD:
        return _BY_HEAD[code](path.read_bytes()[: 1 << 20])
    return _flv_seconds(path) if code == "flv" and whole else None


def _au_seconds(head: bytes) -> float | None:
    _, length, kind, rate, channels = struct.unpack_from(">IIIII", head, 4)
    width = {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8}.get(kind)
    if not width or not rate or not channels or length == 0xFFFFFFFF:
        return None
    return float(length / (width * rate * channels))


def _caf_seconds(head: bytes) -> float | None:
    place: int = 8
    rate, width, frames = 0.0, 0, 0
    while place + 12 <= len(head):
        kind, length = head[place : place + 4], struct.unpack_from(">q", head, place + 4)[0]
        if kind == b"desc":
            rate, _, _, width, frames = struct.unpack_from(">d4sIII", head, place + 12)
        elif kind == b"data" and width and rate and length > 0:
            return float((length - 4) / width * frames / rate)
        elif kind == b"pakt" and rate:
            return float(struct.unpack_from(">q", head, place + 20)[0] / rate)
        place += 12 + max(int(length), 0)
    return None


def _flv_seconds(path: Path) -> float | None:
    """The time of the last tag: encoders that stream leave a guess in the head."""
    with path.open("rb") as file:
        file.seek(-4, 2)
        file.seek(-4 - struct.unpack(">I", file.read(4))[0], 2)
        tag = file.read(8)
    return (
        (int.from_bytes(tag[4:7], "big") | tag[7] << 24) / 1000 if tag[:1] in b"\x08\x09" else None
    )


_BY_HEAD = {"au": _au_seconds, "caf": _caf_seconds}  # MediaInfo takes them for others
_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)


def _adts(path: Path) -> dict[str, Any]:
    """Raw AAC has no length written anywhere: its frames of 1,024 samples are counted."""
    data = path.read_bytes()
    place = frames = 0
    rate, channels = 0, 0
    while place + 7 <= len(data):
        head = data[place : place + 7]
        if head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
            raise ValueError("not AAC")
        length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
        index = head[2] >> 2 & 15
        if length < 7 or index >= len(_RATES):
            raise ValueError("not AAC")
        rate, channels = _RATES[index], (head[2] & 1) << 2 | head[3] >> 6
        place, frames = place + length, frames + 1
    if not frames or place != len(data):
        raise ValueError("cut off")
    return {
        "container": "ADTS",
        "duration_seconds": round(frames * 1024 / rate, 3),
        "audio_streams": 1,
        "video_streams": 0,
        "codecs": ["AAC"],
        "whole": True,
        "sample_rate": rate,
        "channels": channels,
    }


def _look(path: Path, quarters: int) -> dict[str, Any]:
    """Mean brightness and contrast of the brightest of three frames."""
    import cv2  # noqa: PLC0415

    cv2.setNumThreads(1)
    video = opened(str(path))
    try:
        count = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
        seen = []
        for place in (0, count // 3, 2 * count // 3):
            if place:
                video.set(cv2.CAP_PROP_POS_FRAMES, place)
            ok, frame = video.read()
            if ok:
                seen.append((float(frame.mean()), float(frame.std())))
        looks = film_of(video, str(path), quarters)
        rate = float(video.get(cv2.CAP_PROP_FPS))
    finally:
        video.release()
    if not seen:
        return {}
    bright, contrast = max(seen, key=lambda one: one[1])
    known = {"brightness": round(bright, 1), "contrast": round(contrast, 1)}
    if count > 1 and rate > 0:  # for films whose length stands nowhere
        known["counted_seconds"] = round(count / rate, 3)
    return known | {"frame_looks": looks}
