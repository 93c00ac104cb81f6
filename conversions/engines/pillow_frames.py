"""Reading for the Pillow engine: a picture's frames, upright, in modes that survive the work."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conversions.engines.spec import InputRejected

if TYPE_CHECKING:
    from PIL import Image

PLUGIN = {
    "png": "PNG",
    "apng": "PNG",
    "jpg": "JPEG",
    "webp": "WEBP",
    "gif": "GIF",
    "bmp": "BMP",
    "dib": "DIB",
    "tiff": "TIFF",
    "ico": "ICO",
    "icns": "ICNS",
    "avif": "AVIF",
    "jp2": "JPEG2000",
    "j2k": "JPEG2000",
    "tga": "TGA",
    "pcx": "PCX",
    "dcx": "DCX",
    "ppm": "PPM",
    "pgm": "PPM",
    "pbm": "PPM",
    "pnm": "PPM",
    "sgi": "SGI",
    "bw": "SGI",
    "dds": "DDS",
    "qoi": "QOI",
    "xbm": "XBM",
    "xpm": "XPM",
    "msp": "MSP",
    "im": "IM",
    "ras": "SUN",
    "psd": "PSD",
}
PAGED = {"tiff", "dcx"}  # sources whose frames are pages, not moments
_ONE = {"ico", "icns", "psd"}  # further frames are sizes or layers
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    KeyError,
    IndexError,
    TypeError,
    RuntimeError,
    struct.error,
    zlib.error,
)


@dataclass
class Frames:
    """An open picture. ``pages`` says that frames are pages (TIFF), not moments."""

    image: Image.Image
    width: int
    height: int
    count: int
    pages: bool
    exif: Image.Exif
    icc: bytes | None
    orientation: int

    @property
    def skipped(self) -> int:
        """1 when an animated PNG starts with a picture for viewers that don't animate."""
        return int(self.count > 1 and bool(self.image.info.get("default_image")))

    def frame(self, number: int) -> Image.Image:
        """One frame, upright, in a mode among 1, L, LA, RGB, RGBA, I;16."""
        from PIL import ImageOps  # noqa: PLC0415 (imported in the sandboxed child only)

        with damage_named():
            if self.count > 1:
                self.image.seek(number)
            self.image.load()
            turned = ImageOps.exif_transpose(self.image)
            made = _plain(turned, self.icc)
            if self.image.format in ("BMP", "DIB") and made.mode == "RGBA":
                made = _without_empty_alpha(made)
            return invert_bits(made) if self.image.format == "XBM" else made

    def durations(self, numbers: range) -> list[int]:
        """Milliseconds of each frame."""
        found = []
        for number in numbers:
            with damage_named():
                self.image.seek(number)
                found.append(round(self.image.info.get("duration") or 100))
        return found


def _without_empty_alpha(image: Image.Image) -> Image.Image:
    """Bitmaps of 32 bits mostly leave the fourth channel empty, and mean a solid picture."""
    return image if image.getchannel("A").getextrema() != (0, 0) else image.convert("RGB")


@contextmanager
def damage_named() -> Iterator[None]:
    """Whatever a reader says about broken data becomes InputRejected."""
    try:
        yield
    except MemoryError:
        raise
    except _DAMAGE as error:
        text = "The picture is damaged or cut off."
        raise InputRejected(text, detail=f"{type(error).__name__}: {error}") from error


@contextmanager
def open_frames(path: Path, code: str) -> Iterator[Frames]:
    """Open a picture as exactly the format named; nothing is decoded yet but headers."""
    from PIL import AvifImagePlugin, Image  # noqa: PLC0415

    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # the sandboxed child can't start threads
    Image.MAX_IMAGE_PIXELS = None  # the engine checks pixels of all frames by itself
    with damage_named():
        image = Image.open(path, formats=[PLUGIN[code]])
    with image:
        with damage_named():
            count = int(getattr(image, "n_frames", 1))
            exif = image.getexif()
            orientation = int(exif.get(0x0112, 1))
        width, height = image.size
        if code in _ONE:
            count = 1
        yield Frames(
            image,
            width,
            height,
            count,
            code in PAGED,
            exif,
            image.info.get("icc_profile"),
            orientation,
        )


def invert_bits(image: Image.Image) -> Image.Image:
    """XBM's ones are ink (X11), Pillow takes them for light."""
    from PIL import ImageChops  # noqa: PLC0415

    return ImageChops.invert(image.convert("1"))


def _plain(image: Image.Image, icc: bytes | None) -> Image.Image:  # noqa: PLR0911 (a table of modes)
    mode = image.mode
    if mode in ("1", "L", "LA", "RGB", "RGBA", "I;16"):
        if "transparency" in image.info and mode in ("L", "RGB"):
            return image.convert("RGBA")
        return image
    if mode == "P":
        return image.convert("RGBA" if "transparency" in image.info else "RGB")
    if mode == "PA":
        return image.convert("RGBA")
    if mode in ("I;16B", "I;16L", "I"):
        return _sixteen(image)
    if mode == "F":
        return _from_fractions(image)
    return _to_srgb(image, icc)


def _from_fractions(image: Image.Image) -> Image.Image:
    """Brightness as fractions of 1, or else of 255."""
    least, most = image.getextrema()
    fractions = float(str(most)) <= 1.0 and float(str(least)) >= 0.0
    return (image.point(lambda value: value * 255) if fractions else image).convert("L")


def _sixteen(image: Image.Image) -> Image.Image:
    import numpy as np  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    values: Any = np.asarray(image).astype("int64").clip(0, 65535).astype("<u2")
    return Image.fromarray(values)


def _to_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """CMYK, YCbCr, Lab …: through the colour profile where there is a usable one."""
    import io  # noqa: PLC0415

    from PIL import ImageCms  # noqa: PLC0415

    if icc and image.mode == "CMYK":
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            target = ImageCms.createProfile("sRGB")
            done = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            done = None
        if done is not None:
            return done
    return image.convert("RGB")
