"""Reads a request's fields and files, however a client chose to send them."""

import email.message
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.requests import Request

MAX_BODY = 64 * 1024 * 1024
"""Bytes. Telegram takes 50 MB from a bot; a little more leaves room for the fields around the file."""


class BodyError(Exception):
    """The body cannot be read; ``status`` is the HTTP status to answer with."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(slots=True)
class Upload:
    """One file of a multipart body."""

    name: str
    content_type: str
    data: bytes


@dataclass(slots=True)
class Form:
    """Fields by name (strings, or JSON values of a JSON body) and files in the order they came."""

    fields: dict[str, Any] = field(default_factory=dict)
    files: list[tuple[str, Upload]] = field(default_factory=list)

    def file(self, name: str) -> Upload | None:
        return next((upload for field_name, upload in self.files if field_name == name), None)


async def read_form(request: Request) -> Form:
    """Query string first, then the body over it."""
    form = Form()
    if request.url.query:
        form.fields.update(request.query_params)
    if request.method == "GET":
        return form
    content_type = request.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    data = await read_bytes(request)
    if not data:
        return form
    try:
        if kind == "application/json":
            fields = orjson.loads(data)
            if not isinstance(fields, dict):
                raise BodyError(400, "object expected as the body")
            form.fields.update(fields)
        elif kind == "multipart/form-data":
            _read_multipart(data, content_type, form)
        elif kind in ("", "application/x-www-form-urlencoded"):
            form.fields.update(urllib.parse.parse_qsl(data.decode(), keep_blank_values=True, errors="strict"))
        else:
            raise BodyError(415, f"{kind} is not understood")
    except (UnicodeDecodeError, orjson.JSONDecodeError) as error:
        raise BodyError(400, "strings must be encoded in UTF-8, JSON must be whole") from error
    return form


async def read_bytes(request: Request) -> bytes:
    if int(request.headers.get("content-length") or 0) > MAX_BODY:
        raise BodyError(413, "Request Entity Too Large")
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            raise BodyError(413, "Request Entity Too Large")
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _read_multipart(data: bytes, content_type: str, form: Form) -> None:
    boundary = _parameters(content_type).get("boundary", "")
    if not boundary:
        raise BodyError(400, "multipart without a boundary")
    # The preamble's line break is added so that the first delimiter looks like all the others.
    pieces = (b"\r\n" + data).split(b"\r\n--" + boundary.encode("latin-1"))
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise BodyError(400, "multipart body is cut off")
    for piece in pieces[1:-1]:
        head, found, content = piece.partition(b"\r\n\r\n")
        if not found:
            raise BodyError(400, "multipart part without headers")
        headers: dict[str, str] = {}
        for line in head.decode().split("\r\n"):
            name, colon, value = line.partition(":")
            if colon:
                headers[name.strip().lower()] = value.strip()
        disposition = _parameters(headers.get("content-disposition", ""))
        field_name = disposition.get("name")
        if field_name is None:
            raise BodyError(400, "multipart part without a name")
        if "filename" in disposition:
            kind = headers.get("content-type", "application/octet-stream")
            form.files.append((field_name, Upload(disposition["filename"], kind, content)))
        else:
            form.fields[field_name] = content.decode()


def _parameters(header: str) -> Mapping[str, str]:
    """The parameters of a MIME header, RFC 2231 names like ``filename*`` decoded."""
    message = email.message.Message()
    message["x-header"] = header
    found: dict[str, str] = {}
    for name, value in message.get_params(failobj=[], header="x-header")[1:]:
        if isinstance(value, tuple):
            text = urllib.parse.unquote(value[2], encoding=value[0] or "utf-8")
        else:
            # Names come in raw UTF-8 with %22 for a quote, or percent-encoded as a whole.
            text = urllib.parse.unquote(value, errors="replace") if value.isascii() else value.replace("%22", '"')
        found[name.lower().rstrip("*")] = text
    return found
