"""FFmpeg's names for our formats: demuxers, muxers, and the codecs that each container holds."""

from __future__ import annotations

DEMUXERS = {
    **{code: code for code in ("mp3", "wav", "flac", "aac", "aiff", "caf", "ac3", "eac3", "au")},
    **{code: code for code in ("voc", "w64", "tta", "wv", "dts", "mlp", "gsm", "g722", "adx")},
    **{code: code for code in ("sbc", "amr", "ape", "avi", "flv", "swf", "mxf", "nut", "ivf")},
    **{code: code for code in ("h264", "hevc", "mjpeg", "wtv", "dv", "rm", "gif")},
    **dict.fromkeys(("ogg", "oga", "opus", "spx", "ogv"), "ogg"),
    **dict.fromkeys(("m4a", "m4b", "m4r", "mp4", "m4v", "f4v", "mov", "3gp", "3g2"), "mov"),
    **dict.fromkeys(("webm", "mkv", "mka", "weba"), "matroska"),
    **dict.fromkeys(("wma", "wmv", "asf"), "asf"),
    **dict.fromkeys(("mpg", "vob"), "mpeg"),
    **dict.fromkeys(("ts", "m2ts"), "mpegts"),
    "aifc": "aiff",
    "mp2": "mp3",
    "rf64": "wav",
    "thd": "truehd",
    "ra": "rm",
    "divx": "avi",
    "m2v": "mpegvideo",
    "y4m": "yuv4mpegpipe",
}
MUXERS = {
    **{code: code for code in ("mp3", "wav", "flac", "ogg", "opus", "aiff", "caf", "ac3", "eac3")},
    **{code: code for code in ("mp2", "au", "voc", "w64", "tta", "wv", "adx", "mp4", "mov")},
    **{code: code for code in ("webm", "avi", "asf", "flv", "vob", "ogv", "mxf", "nut")},
    **{code: code for code in ("3gp", "3g2", "h264", "hevc", "mjpeg", "ivf", "gif", "spx", "oga")},
    **dict.fromkeys(("m4a", "m4b", "m4r"), "ipod"),
    **dict.fromkeys(("wma", "wmv"), "asf"),
    **dict.fromkeys(("ts", "m2ts"), "mpegts"),
    "aac": "adts",
    "rf64": "wav",
    "mka": "matroska",
    "mkv": "matroska",
    "weba": "webm",
    "m4v": "mp4",
    "f4v": "mp4",
    "divx": "avi",
    "mpg": "mpeg",
    "m2v": "mpeg2video",
    "y4m": "yuv4mpegpipe",
}
SOUND = {
    **dict.fromkeys(("m4a", "m4b", "m4r", "aac", "mka"), "aac"),
    **dict.fromkeys(("mp4", "m4v", "f4v", "mov", "mkv", "flv", "ts", "m2ts", "3gp", "3g2"), "aac"),
    **dict.fromkeys(("wav", "au", "w64", "rf64", "mxf", "voc", "caf"), "pcm_s16le"),
    **dict.fromkeys(("mp3", "avi", "divx", "nut"), "libmp3lame"),
    **dict.fromkeys(("ogg", "oga", "ogv"), "libvorbis"),
    **dict.fromkeys(("opus", "webm", "weba"), "libopus"),
    **dict.fromkeys(("wma", "wmv", "asf"), "wmav2"),
    **dict.fromkeys(("mp2", "mpg", "vob"), "mp2"),
    "flac": "flac",
    "spx": "libspeex",
    "aiff": "pcm_s16be",
    "au": "pcm_s16be",
    "ac3": "ac3",
    "eac3": "eac3",
    "tta": "tta",
    "wv": "wavpack",
    "adx": "adpcm_adx",
}
LOSSLESS = {"wav", "flac", "aiff", "au", "w64", "rf64", "voc", "tta", "wv", "mxf", "adx", "caf"}
PICTURE = {
    **dict.fromkeys(("mp4", "m4v", "f4v", "mov", "mkv", "flv", "3gp", "3g2", "h264"), "h264"),
    **dict.fromkeys(("ts", "m2ts"), "h264"),
    **dict.fromkeys(("avi", "divx", "nut"), "mpeg4"),
    **dict.fromkeys(("wmv", "asf"), "wmv2"),
    **dict.fromkeys(("mpg", "vob", "mxf", "m2v"), "mpeg2"),
    "webm": "vp9",
    "ivf": "vp8",
    "ogv": "theora",
    "hevc": "hevc",
    "mjpeg": "mjpeg",
    "y4m": "raw",
    "gif": "gif",
}
ENCODERS = {
    "h264": "libx264",
    "hevc": "libx265",
    "vp8": "libvpx",
    "vp9": "libvpx-vp9",
    "mpeg4": "mpeg4",
    "mpeg2": "mpeg2video",
    "wmv2": "wmv2",
    "theora": "libtheora",
    "mjpeg": "mjpeg",
    "raw": "rawvideo",
    "gif": "gif",
}
_MP4 = {"h264", "hevc", "mpeg4", "vp9"}
HOLDS = {
    **{code: {codec} for code, codec in PICTURE.items()},
    "mp4": _MP4,
    "m4v": {"h264", "mpeg4"},
    "mov": {"h264", "hevc", "mpeg4"},
    "webm": {"vp8", "vp9"},
    "mkv": {"h264", "hevc", "vp8", "vp9", "mpeg4"},
    "avi": {"mpeg4", "h264"},
    "ts": {"h264", "hevc", "mpeg2"},
    "ivf": {"vp8", "vp9"},
}
# What may be copied as it is, by ffprobe's names.
COPY_SOUND = {
    **{code: {"aac"} for code in ("mp4", "m4v", "mov", "m4a", "m4b", "m4r", "3gp", "3g2", "flv")},
    "mkv": {"aac", "mp3", "opus", "vorbis", "flac", "ac3"},
    "mka": {"aac", "mp3", "opus", "vorbis", "flac", "ac3"},
    "webm": {"opus", "vorbis"},
    "weba": {"opus", "vorbis"},
    "avi": {"mp3"},
    "ts": {"aac", "mp3", "ac3"},
}
# Without times of their own, or with times that don't start at 0.
BARE = {"m2v", "h264", "hevc", "mjpeg", "ivf", "ogg", "oga", "opus", "ogv"}
SILENT = {"m2v", "h264", "hevc", "mjpeg", "y4m", "ivf", "gif"}  # no place for sound
# Formats of which each is read, and to which each is written.
AUDIO_CORE = ("mp3", "wav", "flac", "ogg", "m4a", "opus", "aac", "wma", "aiff")
AUDIO_RARE_OUT = (
    *("oga", "spx", "m4b", "m4r", "caf", "ac3", "eac3", "mp2", "mka", "weba", "au"),
    *("w64", "rf64", "tta"),
)
AUDIO_RARE_IN = (
    *AUDIO_RARE_OUT,
    "voc",
    "adx",
    "sbc",
    "aifc",
    "dts",
    "mlp",
    "thd",
    "gsm",
    "g722",
    "ra",
    "wv",
    "ape",
    "amr",
)
VIDEO_CORE = ("mp4", "webm", "mov", "mkv", "avi")
VIDEO_COMMON_OUT = ("wmv", "flv", "mpg")
VIDEO_RARE_OUT = (
    *("m4v", "f4v", "divx", "asf", "vob", "ts", "m2ts", "ogv", "3gp", "3g2", "mxf"),
    *("m2v", "ivf"),
)
VIDEO_RARE_IN = (
    *VIDEO_COMMON_OUT,
    *VIDEO_RARE_OUT,
    "swf",
    "rm",
    "wtv",
    "nut",
    "y4m",
    "mjpeg",
    "h264",
)
