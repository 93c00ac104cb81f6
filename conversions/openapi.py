"""The body of `convert/` for the OpenAPI schema: the view reads it as a stream."""

from __future__ import annotations

from typing import Any

from conversions.schemas import ConvertIn, ToolIn
from core.following import STREAMED

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
TOOL_FIELDS = ToolIn.model_json_schema()["properties"]
TOOL_FORM = {k: v for k, v in TOOL_FIELDS.items() if k not in ("content_base64", "filename")}
_FILE = {"type": "string", "format": "binary"}
TOOL_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "file": _FILE,
                        "files": {"type": "array", "items": _FILE},
                        **TOOL_FORM,
                    },
                }
            },
            "application/json": {"schema": {"type": "object", "properties": TOOL_FIELDS}},
        },
    }
}
FILE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": _FILE},
                    "required": ["file"],
                }
            }
        },
    }
}

EVENTS: dict[str, Any] = {
    "responses": {
        200: {
            "description": "Events `job`; data: the job with `type`. The id of an event, sent back "
            "as `Last-Event-ID`, spares its repetition; 204 when nothing will follow it.",
            "content": {"text/event-stream": {"schema": STREAMED}},
        }
    }
}
