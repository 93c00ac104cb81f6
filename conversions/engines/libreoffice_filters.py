"""LibreOffice's names of formats: import and export filters, first bytes, PDF and CSV settings.

A filter is always named: where soffice may guess it "converts" garbage. What failed when all pairs
were tried (svg from text, dbf, ppsx, uot) is not here.
"""

from __future__ import annotations

WRITER = {
    "docx": "MS Word 2007 XML",
    "docm": "MS Word 2007 XML VBA",
    "dotx": "MS Word 2007 XML Template",
    "doc": "MS Word 97",
    "dot": "MS Word 97 Vorlage",
    "odt": "writer8",
    "ott": "writer8_template",
    "fodt": "OpenDocument Text Flat XML",
    "rtf": "Rich Text Format",
    "txt": "Text (encoded)",
    "html": "HTML (StarWriter)",
}
CALC = {
    "xlsx": "Calc MS Excel 2007 XML",
    "xlsm": "Calc MS Excel 2007 VBA XML",
    "xltx": "Calc MS Excel 2007 XML Template",
    "xls": "MS Excel 97",
    "xlt": "MS Excel 97 Vorlage/Template",
    "ods": "calc8",
    "ots": "calc8_template",
    "fods": "OpenDocument Spreadsheet Flat XML",
    "csv": "Text - txt - csv (StarCalc)",
    "tsv": "Text - txt - csv (StarCalc)",
    "dif": "DIF",
    "slk": "SYLK",
    "html": "HTML (StarCalc)",
}
IMPRESS = {
    "pptx": "Impress MS PowerPoint 2007 XML",
    "pptm": "Impress MS PowerPoint 2007 XML VBA",
    "potx": "Impress MS PowerPoint 2007 XML Template",
    "ppt": "MS PowerPoint 97",
    "pot": "MS PowerPoint 97 Vorlage",
    "pps": "MS PowerPoint 97 AutoPlay",
    "odp": "impress8",
    "otp": "impress8_template",
    "fodp": "OpenDocument Presentation Flat XML",
}
# Read only: soffice writes ppsx as a plain presentation.
IMPRESS_IN = {**IMPRESS, "ppsx": "Impress MS PowerPoint 2007 XML AutoPlay"}
# Cells of csv that look like formulas must stay text: csv goes through openpyxl instead.
CALC_IN = tuple(code for code in CALC if code not in ("csv", "tsv", "html"))
DRAW = {"emf": "EMF - MS Windows Metafile", "wmf": "WMF - MS Windows Metafile"}
_DRAW_OUT = {"pdf": "draw_pdf_Export", "svg": "draw_svg_Export"}
IMPORT = {**DRAW, **IMPRESS_IN, **{code: CALC[code] for code in CALC_IN}, **WRITER}
_PDF = {
    **dict.fromkeys(IMPRESS_IN, "impress_pdf_Export"),
    **dict.fromkeys(CALC_IN, "calc_pdf_Export"),
    **dict.fromkeys(WRITER, "writer_pdf_Export"),
}
TEXTS = frozenset({"txt", "html", "fodt", "fods", "fodp", "dif", "slk"})

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
OLD = ("doc", "dot", "xls", "xlt", "ppt", "pot", "pps")
MAGIC: dict[str, tuple[bytes, ...]] = {
    **{code: (_ZIP, _OLE) for code in IMPORT if code not in TEXTS},
    "emf": (b"\x01\0\0\0",),
    "wmf": (b"\xd7\xcd\xc6\x9a", b"\x01\0\x09\0", b"\x02\0\x09\0"),
    **dict.fromkeys(OLD, (_OLE,)),
    "rtf": (b"{\\rtf",),
    "slk": (b"ID;",),
    "dif": (b"TABLE",),
}


def export_filter(source: str, target: str) -> str:
    """Name of the export filter of a pair."""
    if source in DRAW:
        return _DRAW_OUT[target]
    if target == "pdf":
        return _PDF[source]
    for sources, targets in ((WRITER, WRITER), (CALC_IN, CALC), (IMPRESS_IN, IMPRESS)):
        if source in sources and target in targets:
            return targets[target]
    raise KeyError(f"{source} → {target}")


def import_options(source: str) -> str | None:
    """Settings of the import filter; texts were made UTF-8 before."""
    return "UTF8" if source == "txt" else None


def export_options(target: str, delimiter: str, sheet: int | None) -> str | None:
    """Settings of the export filter: encoding, delimiter, and which sheets (-1: one file each)."""
    if target == "txt":
        return "UTF8"
    if target not in ("csv", "tsv"):
        return None
    mark = 9 if target == "tsv" else ord(delimiter)
    return f"{mark},34,76,1,,0,false,true,false,false,false,{sheet or -1}"
