"""Every format that the platform names: what it reads, writes, or may be given by mistake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Family = Literal[
    "document",
    "spreadsheet",
    "presentation",
    "image",
    "audio",
    "video",
    "archive",
    "ebook",
    "data",
    "other",
]


@dataclass(frozen=True, kw_only=True)
class Format:
    """One format. The first extension and media type are the ones we write."""

    code: str
    name: str
    family: Family
    extensions: tuple[str, ...]
    media_types: tuple[str, ...]


_OOXML = "application/vnd.openxmlformats-officedocument"
_ODF = "application/vnd.oasis.opendocument"

# code, name, extensions, media types; per family
_ROWS: dict[Family, tuple[tuple[str, str, str, str], ...]] = {
    "document": (
        ("pdf", "PDF", "pdf", "application/pdf application/x-pdf"),
        ("docx", "Word document", "docx", f"{_OOXML}.wordprocessingml.document"),
        ("doc", "Word 97–2003 document", "doc", "application/msword"),
        ("odt", "OpenDocument text", "odt", f"{_ODF}.text"),
        ("rtf", "Rich Text Format", "rtf", "application/rtf text/rtf"),
        ("txt", "Plain text", "txt text log", "text/plain"),
        ("md", "Markdown", "md markdown", "text/markdown"),
        ("html", "Web page", "html htm xhtml", "text/html application/xhtml+xml"),
        ("rst", "reStructuredText", "rst", "text/x-rst"),
        ("tex", "LaTeX", "tex latex", "application/x-tex text/x-tex"),
        ("ps", "PostScript", "ps", "application/postscript"),
    ),
    "spreadsheet": (
        ("xlsx", "Excel workbook", "xlsx", f"{_OOXML}.spreadsheetml.sheet"),
        ("xls", "Excel 97–2003 workbook", "xls", "application/vnd.ms-excel"),
        ("ods", "OpenDocument spreadsheet", "ods", f"{_ODF}.spreadsheet"),
        ("csv", "Comma-separated values", "csv", "text/csv"),
        ("tsv", "Tab-separated values", "tsv tab", "text/tab-separated-values"),
    ),
    "presentation": (
        ("pptx", "PowerPoint presentation", "pptx", f"{_OOXML}.presentationml.presentation"),
        ("ppt", "PowerPoint 97–2003 presentation", "ppt", "application/vnd.ms-powerpoint"),
        ("odp", "OpenDocument presentation", "odp", f"{_ODF}.presentation"),
    ),
    "image": (
        ("png", "PNG picture", "png apng", "image/png image/apng"),
        ("jpg", "JPEG picture", "jpg jpeg jpe jfif", "image/jpeg"),
        ("webp", "WebP picture", "webp", "image/webp"),
        ("gif", "GIF picture", "gif", "image/gif"),
        ("bmp", "Bitmap", "bmp dib", "image/bmp image/x-ms-bmp"),
        ("tiff", "TIFF picture", "tiff tif", "image/tiff"),
        ("ico", "Icon", "ico", "image/vnd.microsoft.icon image/x-icon"),
        ("svg", "SVG drawing", "svg svgz", "image/svg+xml"),
        ("heic", "HEIC picture", "heic heif", "image/heic image/heif"),
        ("avif", "AVIF picture", "avif", "image/avif"),
        ("jp2", "JPEG 2000 picture", "jp2 j2k jpx", "image/jp2"),
        ("psd", "Photoshop picture", "psd", "image/vnd.adobe.photoshop"),
        ("eps", "Encapsulated PostScript", "eps", "application/postscript"),
    ),
    "audio": (
        ("mp3", "MP3 audio", "mp3", "audio/mpeg"),
        ("wav", "Wave audio", "wav wave", "audio/wav audio/x-wav audio/vnd.wave"),
        ("flac", "FLAC audio", "flac", "audio/flac audio/x-flac"),
        ("ogg", "Ogg Vorbis audio", "ogg oga", "audio/ogg application/ogg"),
        ("opus", "Opus audio", "opus", "audio/opus audio/ogg"),
        ("m4a", "MPEG-4 audio", "m4a m4b", "audio/mp4 audio/x-m4a"),
        ("aac", "AAC audio", "aac", "audio/aac audio/x-hx-aac-adts"),
        ("wma", "Windows Media audio", "wma", "audio/x-ms-wma"),
        ("aiff", "AIFF audio", "aiff aif", "audio/aiff audio/x-aiff"),
    ),
    "video": (
        ("mp4", "MPEG-4 video", "mp4 m4v", "video/mp4 video/x-m4v"),
        ("webm", "WebM video", "webm", "video/webm"),
        ("mov", "QuickTime video", "mov qt", "video/quicktime"),
        ("mkv", "Matroska video", "mkv", "video/x-matroska video/matroska"),
        ("avi", "AVI video", "avi", "video/x-msvideo video/vnd.avi"),
        ("wmv", "Windows Media video", "wmv asf", "video/x-ms-wmv video/x-ms-asf"),
        ("flv", "Flash video", "flv", "video/x-flv"),
        ("mpg", "MPEG video", "mpg mpeg", "video/mpeg"),
    ),
    "archive": (
        ("zip", "Zip archive", "zip", "application/zip application/x-zip-compressed"),
        ("7z", "7-Zip archive", "7z", "application/x-7z-compressed"),
        ("gz", "Gzip file", "gz tgz", "application/gzip application/x-gzip"),
        ("tar", "Tar archive", "tar", "application/x-tar"),
        ("bz2", "Bzip2 file", "bz2 tbz2", "application/x-bzip2"),
        ("xz", "XZ file", "xz txz", "application/x-xz"),
        ("rar", "RAR archive", "rar", "application/vnd.rar application/x-rar"),
    ),
    "ebook": (
        ("epub", "EPUB book", "epub", "application/epub+zip"),
        ("mobi", "Mobipocket book", "mobi", "application/x-mobipocket-ebook"),
        ("fb2", "FictionBook", "fb2", "application/x-fictionbook+xml"),
    ),
    "data": (
        ("json", "JSON", "json", "application/json"),
        ("xml", "XML", "xml", "application/xml text/xml"),
        ("yaml", "YAML", "yaml yml", "application/yaml"),
        ("ipynb", "Jupyter notebook", "ipynb", "application/x-ipynb+json"),
    ),
    "other": (
        ("exe", "Windows program", "exe dll", "application/vnd.microsoft.portable-executable"),
        ("elf", "Linux program", "elf so", "application/x-executable"),
        ("eml", "E-mail", "eml", "message/rfc822"),
        ("msg", "Outlook message", "msg", "application/vnd.ms-outlook"),
        ("ttf", "TrueType font", "ttf", "font/ttf font/sfnt"),
        ("otf", "OpenType font", "otf", "font/otf application/vnd.ms-opentype"),
        ("woff", "Web font", "woff", "font/woff"),
        ("woff2", "Web font 2", "woff2", "font/woff2"),
        ("srt", "SubRip subtitles", "srt", "application/x-subrip"),
        ("vtt", "WebVTT subtitles", "vtt", "text/vtt"),
    ),
}

FORMATS: tuple[Format, ...] = tuple(
    Format(
        code=code,
        name=name,
        family=family,
        extensions=tuple(extensions.split()),
        media_types=tuple(media_types.split()),
    )
    for family, rows in _ROWS.items()
    for code, name, extensions, media_types in rows
)
BY_CODE: dict[str, Format] = {row.code: row for row in FORMATS}
BY_EXTENSION: dict[str, Format] = {name: row for row in FORMATS for name in row.extensions}
BY_MEDIA_TYPE: dict[str, Format] = {
    name: row for row in reversed(FORMATS) for name in reversed(row.media_types)
}


def canonical(code: str) -> str | None:
    """The one code of a format, from any spelling of it (``JPEG``, ``.tif``); None if unknown."""
    word = code.strip().lower().removeprefix(".")
    if word in BY_CODE:
        return word
    row = BY_EXTENSION.get(word)
    return row.code if row else None


def by_filename(filename: str) -> Format | None:
    """What a name claims to be."""
    _, dot, extension = filename.rpartition(".")
    return BY_EXTENSION.get(extension.strip().lower()) if dot else None
