"""The body of `convert/` for the OpenAPI schema: the view reads it as a stream."""

from __future__ import annotations

from typing import Any

from conversions.schemas import ConvertIn

FIELDS = ConvertIn.model_json_schema()["properties"]
FORM = {k: v for k, v in FIELDS.items() if k not in ("content_base64", "filename")}
CONVERT_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "string", "format": "binary"}, **FORM},
                    "required": ["output_format"],
                }
            },
            "application/json": {
                "schema": {"type": "object", "properties": FIELDS, "required": ["output_format"]}
            },
        },
    }
}
