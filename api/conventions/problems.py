"""Errors as problem details (RFC 9457), with AwaitStep's `error` and `details` beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from pydantic import BaseModel, ConfigDict, Field
from structlog.contextvars import get_contextvars

from workflows.ir.reading import json_reader
from workflows.ir.reading.problems import Problem as DocumentProblem

CONTENT_TYPE: Final = "application/problem+json"
_FIRST_ERROR: Final = 400
_KEPT_HEADERS: Final = ("Allow", "Retry-After", "WWW-Authenticate")
_SENTENCES: Final = {
    403: "You do not have permission to do this.",
    404: "There is nothing at this address.",
    405: "This address does not support the method.",
    500: "AwaitStep made a mistake. It was logged.",
}


class ProblemItem(BaseModel):
    """One thing to fix. `path` locates it, `node` is the node that it is about, `field` the input."""

    path: str = ""
    node: str = ""
    field: str = ""
    message: str
    severity: str = "error"


class Problem(BaseModel):
    """Why a request was not carried out."""

    model_config = ConfigDict(populate_by_name=True)

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str = ""
    request_id: str = Field("", alias="requestId")
    problems: list[ProblemItem] = []
    error: str = Field(description="The same sentence as `detail`.")
    details: Any = None


class ApiError(Exception):
    """The request is refused: an HTTP status, a sentence, and what exactly is wrong."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        problems: Iterable[ProblemItem] = (),
        details: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.problems = list(problems)
        self.details = details
        self.headers = headers or {}


def problem_response(request: HttpRequest, error: ApiError) -> HttpResponse:
    """Return an error as a response."""
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": str(error),
        "instance": request.path,
        "requestId": str(get_contextvars().get("request_id", "")),
        "problems": [item.model_dump() for item in error.problems],
        "error": str(error),
    }
    if error.details is not None:
        problem["details"] = error.details
    return JsonResponse(
        problem, status=error.status, content_type=CONTENT_TYPE, headers=dict(error.headers)
    )


def as_problem(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Return the error of a middleware or of Django, which may be a page, as a problem."""
    content_type = response.headers.get("Content-Type", "")
    if response.status_code < _FIRST_ERROR or content_type.startswith(CONTENT_TYPE):
        return response
    headers = {name: response[name] for name in _KEPT_HEADERS if name in response}
    message = _sentence(response)
    return problem_response(request, ApiError(response.status_code, message, headers=headers))


def _sentence(response: HttpResponseBase) -> str:
    status = response.status_code
    if response.headers.get("Content-Type", "").startswith("application/json"):
        body = json_reader.loads(getattr(response, "content", b"{}"))
        if isinstance(body, dict) and isinstance(body.get("error"), str):
            return str(body["error"])
    return _SENTENCES.get(status, HTTPStatus(status).phrase)


def document_items(problems: Iterable[DocumentProblem]) -> list[ProblemItem]:
    """Return the problems in a document or in settings."""
    return [
        ProblemItem(
            path=each.path,
            node=each.node_id,
            field=each.path.rpartition(".")[2],
            message=each.message,
            severity=str(each.severity),
        )
        for each in problems
    ]
