"""First bytes of the rarer pictures, recordings, fonts and tables."""

from __future__ import annotations

import struct
from collections.abc import Callable

AT_START: tuple[tuple[bytes, str], ...] = (
    (b"Image type: ", "im"),
    (b"icns", "icns"),
    (b"\xff\x0a", "jxl"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "jxl"),
    (b"\xb1\x68\xde\x3a", "dcx"),
    (b"\x01\xda\x00", "sgi"),
    (b"\x01\xda\x01", "sgi"),
    (b"DDS |\x00\x00\x00", "dds"),
    (b"qoif", "qoi"),
    (b"DanM", "msp"),
    (b"LinS", "msp"),
    (b"#?RADIANCE", "hdr"),
    (b"#?RGBE", "hdr"),
    (b"\x76\x2f\x31\x01", "exr"),
    (b"SDPX", "dpx"),
    (b"XPDS", "dpx"),
    (b"SIMPLE  = ", "fits"),
    (b"id=ImageMagick", "miff"),
    (b"\x8aMNG\r\n\x1a\n", "mng"),
    (b"\x8bJNG\r\n\x1a\n", "jng"),
    (b"\x59\xa6\x6a\x95", "ras"),
    (b"\xab\x01", "viff"),
    (b"LBLSIZE=", "vicar"),
    (b"FUJIFILMCCD-RAW", "raf"),
    (b"IIRO", "orf"),
    (b"IIRS", "orf"),
    (b"MMOR", "orf"),
    (b"FOVb", "x3f"),
    (b"\x00MRM", "mrw"),
    (b"II\x1a\x00\x00\x00HEAPCCDR", "crw"),
    (b"IIU\x00", "rw2"),
    (b"\xd7\xcd\xc6\x9a", "wmf"),
    (b"\x01\x00\x09\x00\x00\x03", "wmf"),
    (b"caff\x00\x01", "caf"),
    (b".snd\x00\x00", "au"),
    (b"Creative Voice File", "voc"),
    (b"riff\x2e\x91\xcf\x11", "w64"),
    (b"TTA1", "tta"),
    (b"wvpk", "wv"),
    (b"\x7f\xfe\x80\x01", "dts"),
    (b".ra\xfd", "rm"),
    (b"#!AMR", "amr"),
    (b"MAC ", "ape"),
    (b"FWS", "swf"),
    (b"CWS", "swf"),
    (b"ZWS", "swf"),
    (b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02", "mxf"),
    (b"\x1f\x07\x00", "dv"),
    (b"nut/multimedia container", "nut"),
    (b".RMF", "rm"),
    (b"YUV4MPEG2 ", "y4m"),
    (b"DKIF", "ivf"),
    (b"\xb7\xd8\x00\x20\x37\x49\xda\x11", "wtv"),
    (b"ttcf", "ttc"),
    (b"true\x00", "ttf"),
    (b"PAR1", "parquet"),
    (b"ARROW1\x00\x00", "feather"),
    (b"\xff\xff\xff\xff", "arrow"),
    (b"ORC", "orc"),
    (b"SQLite format 3\x00", "sqlite"),
)


def _anymap(head: bytes) -> str | None:
    """PBM, PGM, PPM and their kin; 1–3 are their text forms."""
    kinds = {**dict.fromkeys((b"1", b"4"), "pbm"), **dict.fromkeys((b"2", b"5"), "pgm")}
    kinds |= {**dict.fromkeys((b"3", b"6"), "ppm"), b"7": "pam"}
    return kinds.get(head[1:2]) if head[:1] == b"P" and head[2:3] in b"\n\r \t" else None


def _pcx(head: bytes) -> str | None:
    if len(head) < 128 or head[0] != 0x0A or head[1] not in (0, 2, 3, 4, 5) or head[2] > 1:
        return None
    left, top, right, bottom = struct.unpack_from("<HHHH", head, 4)
    return "pcx" if head[3] in (1, 2, 4, 8) and right >= left and bottom >= top else None


def _dib(head: bytes) -> str | None:
    if len(head) < 40 or head[:4] != b"\x28\x00\x00\x00":
        return None
    planes, depth = struct.unpack_from("<HH", head, 12)
    return "dib" if planes == 1 and depth in (1, 4, 8, 16, 24, 32) else None


def _emf(head: bytes) -> str | None:
    return "emf" if head[:4] == b"\x01\x00\x00\x00" and head[40:44] == b" EMF" else None


def _xwd(head: bytes) -> str | None:
    if len(head) < 100:
        return None
    size, version, kind, depth = struct.unpack_from(">IIII", head)
    return "xwd" if 100 <= size < 4096 and version == 7 and kind <= 2 and depth <= 32 else None


def _raw_photo(head: bytes) -> str | None:
    return "cr2" if head[:4] == b"II*\x00" and head[8:10] == b"CR" else None


def _large_psd(head: bytes) -> str | None:
    return "psb" if head[:6] == b"8BPS\x00\x02" else None


def _transport(head: bytes) -> str | None:
    """Packets of 188 bytes, or 192 with a time before each."""
    for offset, step, code in ((0, 188, "ts"), (4, 192, "m2ts")):
        places = range(offset, min(len(head), 8 * step), step)
        if len(places) >= 3 and all(head[place] == 0x47 for place in places):
            return code
    return None


def _nal(head: bytes) -> str | None:
    """Bare H.264 and H.265 begin with a delimiter or parameter sets."""
    start = 4 if head[:4] == b"\x00\x00\x00\x01" else 3 if head[:3] == b"\x00\x00\x01" else 0
    if not start or len(head) < start + 2:
        return None
    first, second = head[start], head[start + 1]
    if first in (0x40, 0x42, 0x46) and second == 1:
        return "hevc"
    return "h264" if first & 0x80 == 0 and first & 0x1F in (7, 9) else None


def _dolby(head: bytes) -> str | None:
    if head[:2] == b"\x0b\x77" and len(head) > 6:
        return "eac3" if head[5] >> 3 > 10 else "ac3"
    return {b"\xf8\x72\x6f\xbb": "mlp", b"\xf8\x72\x6f\xba": "thd"}.get(head[4:8])


def _layer2(head: bytes) -> str | None:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE4:
        return None
    return "mp2" if head[2] >> 4 not in (0, 15) and head[2] >> 2 & 3 != 3 else None


def _adx(head: bytes) -> str | None:
    place = int.from_bytes(head[2:4], "big") - 2
    is_adx = head[:2] == b"\x80\x00" and head[place : place + 6] == b"(c)CRI"
    return "adx" if is_adx else None


TESTS: tuple[Callable[[bytes], str | None], ...] = (
    _anymap,
    _pcx,
    _dib,
    _xwd,
    _transport,
    _nal,
    _dolby,
    _layer2,
    _adx,
)
BEFORE: tuple[Callable[[bytes], str | None], ...] = (_raw_photo, _large_psd, _emf)


def _tga(head: bytes) -> bool:
    if len(head) < 18 or head[1] > 1 or head[2] not in (1, 2, 3, 9, 10, 11):
        return False
    width, height, depth = struct.unpack_from("<HHB", head, 12)
    return bool(width and height) and depth in (8, 15, 16, 24, 32)


def _wbmp(head: bytes) -> bool:
    return head[:2] == b"\x00\x00" and len(head) > 4


def _pict(head: bytes) -> bool:
    return head[522:528] == b"\x00\x11\x02\xff\x0c\x00" or head[522:524] == b"\x11\x01"


def _avs(head: bytes) -> bool:
    return len(head) > 8 and head[:2] == head[4:6] == b"\x00\x00"


# No mark of their own: the name says it, and the bytes must not speak against it.
NAMED: dict[str, Callable[[bytes], bool]] = {
    "tga": _tga,
    "wbmp": _wbmp,
    "pict": _pict,
    "avs": _avs,
    "mtv": lambda head: head[:12].split(b"\n")[0].replace(b" ", b"").isdigit(),
    "otb": lambda head: head[:1] == b"\x00" and len(head) > 4,
    "gsm": lambda head: len(head) >= 33 and head[0] >> 4 == 0xD,
    "g722": lambda head: len(head) > 16,
    "sbc": lambda head: head[:1] == b"\x9c",
    "fax": lambda head: b"\x00\x01" in head[:64] or b"\x00\x10" in head[:64],
    "jbig": lambda head: len(head) > 20 and head[0] <= head[1] and head[3] == 0,
}
