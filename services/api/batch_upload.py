"""Uploads: a table as it was sent, in a form or alone, in a file of its own that goes with the request."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

import anyio.to_thread
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope

from churn.errors import StoreError
from services.api.body import require_plain
from services.api.formats.media import ALIASES, LOOKED_AT, MEDIA, Format, format_of

FIELD = "file"
FORM = "multipart/form-data"
IN_MEMORY = 1 << 20
"""Bytes of an upload that are kept in memory; more go to the disk."""


@asynccontextmanager
async def uploaded(scope: Scope, receive: Receive) -> AsyncIterator[tuple[BinaryIO, Format]]:
    """Receive a table whole.

    Yields:
        The table from its first byte, to be read in a thread, and its format.

    Raises:
        HTTPException: 400, the form is malformed; 415, of a type that is not taken; 422, without the field.
        StoreError: the disk is full.
    """
    request = Request(scope, receive)
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    _require_known(request, media)
    if media != FORM:
        with SpooledTemporaryFile(max_size=IN_MEMORY) as file:
            with _translated():
                await _receive(receive, file)
            yield cast("BinaryIO", file), format_of(media, head=_head(file))
        return
    with _translated():
        form = await request.form(max_files=1, max_fields=8)
    try:
        yield _file_of(form)
    finally:
        await form.close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except MultiPartException as error:
        raise HTTPException(400, error.message) from error
    except OSError as error:
        raise StoreError("this door's disk takes no more of the table: send it again later, or in parts") from error


def _require_known(request: Request, media: str) -> None:
    if media and media != FORM and media not in ALIASES:
        raise HTTPException(415, f"send the table as the field {FIELD!r} of {FORM}, or as {', '.join(MEDIA.values())}")
    require_plain(dict(request.headers.raw))


def _file_of(form: FormData) -> tuple[BinaryIO, Format]:
    upload = form.get(FIELD)
    if not isinstance(upload, UploadFile):
        raise HTTPException(422, f"send the table as the multipart field {FIELD!r}, with a file name")
    file = upload.file
    return file, format_of(upload.content_type or "", upload.filename or "", _head(file))


def _head(file: BinaryIO | SpooledTemporaryFile[bytes]) -> bytes:
    file.seek(0)
    head = file.read(LOOKED_AT)
    file.seek(0)
    return head


async def _receive(receive: Receive, file: "SpooledTemporaryFile[bytes]") -> None:
    parts: list[bytes] = []
    size, is_whole = 0, False
    while not is_whole:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        is_whole = not message.get("more_body", False)
        if size >= IN_MEMORY:
            await anyio.to_thread.run_sync(file.write, b"".join(parts))
            parts, size = [], 0
    file.write(b"".join(parts))
