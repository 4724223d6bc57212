"""Reading the JSON of requests, within limits."""

from __future__ import annotations

import re
from typing import Any, Final

from django.http import HttpRequest
from ninja.parser import Parser

from api.conventions.problems import ApiError, document_items
from workflows.ir.reading import json_reader
from workflows.ir.reading.raw_values import check_values
from workflows.ir.validation.validate import MAX_TEXT

SMALL: Final = 100 * 1024
"""Enough for payloads and settings."""
DOCUMENT: Final = MAX_TEXT
"""Enough for a whole document, or the files of a project."""
_LENGTH: Final = re.compile(r"[0-9]{1,18}")
_MAX_DEPTH: Final = 500  # of values in a body
_BODY: Final = "_api_body"


class JsonParser(Parser):
    """Reads a body with the product's own reader."""

    def parse_body(self, request: HttpRequest) -> Any:
        if not hasattr(request, _BODY):
            setattr(request, _BODY, read_json_body(request, max_bytes=SMALL))
        return getattr(request, _BODY)


def keep_json_body(request: HttpRequest, *, max_bytes: int) -> None:
    """Read the body before anything else uses it. Raises ApiError."""
    setattr(request, _BODY, read_json_body(request, max_bytes=max_bytes))


def read_json_body(request: HttpRequest, *, max_bytes: int) -> Any:
    """Return the parsed body, {} if it is empty; raises ApiError if it is too large or not JSON."""
    if request.content_type == "multipart/form-data":  # read already, in search of a CSRF token
        raise ApiError(415, "The body must be JSON, not a form with files.")
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not _LENGTH.fullmatch(length) or int(length) > max_bytes or len(request.body) > max_bytes:
        raise ApiError(413, f"The body is larger than {max_bytes // 1024} KB.")
    try:
        body = json_reader.loads(request.body or b"{}")
    except RecursionError:
        raise ApiError(400, "The body is nested too deeply.") from None
    except ValueError as error:
        raise ApiError(400, f"The body is not JSON: {error}") from None
    problems = check_values(body, max_depth=_MAX_DEPTH)
    for problem in problems[:1]:
        subject = f"{problem.path} in the body" if problem.path else "The body"
        message = f"{subject} {problem.message}."
        raise ApiError(400, message, problems=document_items(problems))
    return body
