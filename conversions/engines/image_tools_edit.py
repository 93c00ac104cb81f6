"""What edit-image does to one frame, in a fixed order: crop, turn, flip, size, tone, words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conversions.engines.spec import InputRejected, OptionUnsupported

if TYPE_CHECKING:
    from PIL import Image

    from conversions.engines.image_tools import EditOptions

_FONTS = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationSans-Bold.ttf",
)
_MAX_PIXELS = 268_000_000
_TONES = ("brightness", "contrast", "saturation", "sharpness")


def edit(image: Image.Image, options: EditOptions) -> Image.Image:
    """One edited frame."""
    if image.mode not in ("RGB", "RGBA"):
        alpha = image.mode in ("LA", "PA")
        image = image.convert("RGBA" if alpha else "RGB")
    image = _crop(image, options)
    image = _turn(image, options)
    image = _size(image, options)
    image = _filter(image, options)
    image = _tone(image, options)
    if options.text:
        image = _write(image, options.text, options, options.text_position, 1.0)
    if options.watermark_text:
        image = _tile(image, options)
    return image


def _crop(image: Image.Image, options: EditOptions) -> Image.Image:
    if not (options.crop_width or options.crop_height or options.crop_x or options.crop_y):
        return image
    right = options.crop_x + (options.crop_width or image.width - options.crop_x)
    low = options.crop_y + (options.crop_height or image.height - options.crop_y)
    right, low = min(right, image.width), min(low, image.height)
    if right <= options.crop_x or low <= options.crop_y:
        size = f"{image.width}×{image.height}"
        text = f"The crop lies outside of the picture, which has {size} pixels."
        raise InputRejected(text, code="engine_failed")
    return image.crop((options.crop_x, options.crop_y, right, low))


def _turn(image: Image.Image, options: EditOptions) -> Image.Image:
    from PIL import Image, ImageOps  # noqa: PLC0415 (imported in the sandboxed child only)

    if options.rotate % 360:
        fill = (*_rgb(options.background), 255)[: len(image.getbands())]
        method = Image.Resampling.BICUBIC
        image = image.rotate(-options.rotate, resample=method, expand=True, fillcolor=fill)
    if options.flip in ("horizontal", "both"):
        image = ImageOps.mirror(image)
    if options.flip in ("vertical", "both"):
        image = ImageOps.flip(image)
    return image


def _size(image: Image.Image, options: EditOptions) -> Image.Image:
    from PIL import Image, ImageOps  # noqa: PLC0415

    if not options.width and not options.height:
        return image
    ratio = image.width / image.height
    wide = options.width or max(1, round((options.height or 1) * ratio))
    high = options.height or max(1, round((options.width or 1) / ratio))
    if wide * high > _MAX_PIXELS:
        raise OptionUnsupported("The size asked for is over 268 megapixels.")
    if options.fit == "crop":
        return ImageOps.fit(image, (wide, high), Image.Resampling.LANCZOS)
    if options.fit == "max":
        share = min(wide / image.width, high / image.height)
        wide, high = max(1, round(image.width * share)), max(1, round(image.height * share))
    return image.resize((wide, high), Image.Resampling.LANCZOS)


def _filter(image: Image.Image, options: EditOptions) -> Image.Image:
    from PIL import ImageFilter, ImageOps  # noqa: PLC0415

    name = options.filter
    if name == "none":
        return image
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    plain = image.convert("RGB")
    if name in ("grayscale", "sepia"):
        gray = ImageOps.grayscale(plain)
        plain = (
            ImageOps.colorize(gray, "#000000", "#fff0c8", mid="#a08050")
            if name == "sepia"
            else gray.convert("RGB")
        )
    elif name == "invert":
        plain = ImageOps.invert(plain)
    elif name == "auto_contrast":
        plain = ImageOps.autocontrast(plain, cutoff=1)
    else:
        table: dict[str, Any] = {
            "blur": ImageFilter.GaussianBlur(options.filter_radius),
            "sharpen": ImageFilter.UnsharpMask(options.filter_radius, 150, 3),
            "edges": ImageFilter.FIND_EDGES,
            "emboss": ImageFilter.EMBOSS,
            "smooth": ImageFilter.SMOOTH_MORE,
            "detail": ImageFilter.DETAIL,
        }
        plain = plain.filter(table[name])
    if alpha is not None:
        plain = plain.convert("RGBA")
        plain.putalpha(alpha)
    return plain


def _tone(image: Image.Image, options: EditOptions) -> Image.Image:
    from PIL import ImageEnhance  # noqa: PLC0415

    makers = (
        ImageEnhance.Brightness,
        ImageEnhance.Contrast,
        ImageEnhance.Color,
        ImageEnhance.Sharpness,
    )
    for name, maker in zip(_TONES, makers, strict=True):
        factor = getattr(options, name)
        if factor != 1.0:
            image = maker(image).enhance(factor)
    return image


def _rgb(colour: str) -> tuple[int, int, int]:
    value = colour.lstrip("#")
    return int(value[0:2], 16), int(value[2:4], 16), int(value[4:6], 16)


def _font(size: int) -> Any:
    from PIL import ImageFont  # noqa: PLC0415

    for name in _FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)


def _size_of_words(image: Image.Image, options: EditOptions) -> int:
    return options.text_size or max(10, image.height // 12)


def _write(
    image: Image.Image, text: str, options: EditOptions, position: str, opacity: float
) -> Image.Image:
    """Words with a thin outline of the other brightness, so that they show on any ground."""
    from PIL import Image, ImageDraw  # noqa: PLC0415

    layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    font = _font(_size_of_words(image, options))
    colour = _rgb(options.text_color)
    other = (0, 0, 0) if sum(colour) > 380 else (255, 255, 255)
    strength = round(255 * opacity)
    left, top, right, bottom = draw.multiline_textbbox((0, 0), text, font=font, stroke_width=1)
    margin = max(4, image.height // 50)
    free_x, free_y = image.width - (right - left), image.height - (bottom - top)
    rows = {"top": margin, "center": free_y / 2, "bottom": free_y - margin}
    columns = {"left": margin, "center": free_x / 2, "right": free_x - margin}
    row, _, column = position.partition("-")
    spot = (columns[column or "center"] - left, rows[row] - top)
    draw.multiline_text(
        spot,
        text,
        font=font,
        fill=(*colour, strength),
        stroke_width=1,
        stroke_fill=(*other, strength // 2),
    )
    return _over(image, layer)


def _tile(image: Image.Image, options: EditOptions) -> Image.Image:
    """Words across the whole picture, aslant."""
    from PIL import Image, ImageDraw  # noqa: PLC0415

    font = _font(_size_of_words(image, options))
    text = options.watermark_text or ""
    box = font.getbbox(text)
    step_x, step_y = round(box[2] - box[0]) * 3 // 2 + 20, round(box[3] - box[1]) * 4 + 20
    side = round((image.width**2 + image.height**2) ** 0.5) + 2
    layer = Image.new("L", (side, side), 0)
    draw = ImageDraw.Draw(layer)
    for number, y in enumerate(range(0, side, step_y)):
        for x in range(-step_x // 2 * (number % 2), side, step_x):
            draw.text((x, y), text, font=font, fill=round(255 * options.watermark_opacity))
    layer = layer.rotate(30, resample=Image.Resampling.BICUBIC)
    left, top = (side - image.width) // 2, (side - image.height) // 2
    mask = layer.crop((left, top, left + image.width, top + image.height))
    solid = Image.new("RGBA", image.size, (*_rgb(options.text_color), 255))
    solid.putalpha(mask)
    return _over(image, solid)


def _over(image: Image.Image, layer: Image.Image) -> Image.Image:
    from PIL import Image  # noqa: PLC0415

    mixed = Image.alpha_composite(image.convert("RGBA"), layer)
    return mixed if image.mode == "RGBA" else mixed.convert("RGB")
