"""A file that an operation answers, as an answer to the browser. What stands in it may not enter."""

from __future__ import annotations

from collections.abc import Generator
from itertools import chain

from flask import Response

from distrib.console.site import AnsweredFile


def answer_file(file: AnsweredFile) -> Response:
    """Answers a file whose first chunk is made before the status is sent, so that what fails at once is refused."""
    chunks = file.chunks()
    first = next(chunks, b"")
    response = Response(chain([first], chunks), content_type=file.media_type)
    if isinstance(chunks, Generator):
        response.call_on_close(chunks.close)
    if file.filename is not None:
        response.headers["Content-Disposition"] = f'attachment; filename="{file.filename}"'
    return response
