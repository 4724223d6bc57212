"""Which status each error of the services becomes: one table, so that no operation has to catch them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError
from ninja.errors import ValidationError as InvalidRequest

from api.conventions.idempotency import Replay
from api.conventions.problems import (
    ApiError,
    ProblemItem,
    document_items,
    problem_response,
)
from audit.encrypted_fields import UnreadableSecret
from targets.cloudflare.errors import Cause, DeployError
from targets.services import WrongAccount, WrongToken, WrongUrl
from web.decorators import record_denied
from workflows.documents.saved_tests.reading import InvalidTests
from workflows.drafts import ChangedMeanwhile
from workflows.editing.document.refusals import NotEditable, Refused
from workflows.env_files import InvalidEnvFile
from workflows.exchange.imports import NotImported
from workflows.ir.deploy.deploy_settings import InvalidSettings
from workflows.ir.reading.problems import InvalidIR
from workflows.services import WorkflowNotFound

_OF_TARGET: Final = (
    *(Cause.UNREACHABLE, Cause.RATE_LIMIT, Cause.TARGET, Cause.ENVIRONMENT),
    *(Cause.CREDENTIALS, Cause.PERMISSION),
)
_NO_TREE = (
    "The nodes of this document are not connected in a way that can run. Replace the document."
)


def add_handlers(api: NinjaAPI) -> None:
    """Turn each error into a problem. Others are mistakes of ours, which Django logs."""
    for kind in _CONVERSIONS:
        api.add_exception_handler(kind, _answer)
    api.add_exception_handler(Replay, _replay)
    api.add_exception_handler(Exception, _raise)


@contextmanager
def as_conflict(*kinds: type[Exception]) -> Iterator[None]:
    """Turn errors of these kinds into a conflict with the current state."""
    try:
        yield
    except kinds as error:
        raise ApiError(409, str(error)) from None


@contextmanager
def of_target() -> Iterator[None]:
    """Turn what the target cannot or will not do into a 502, apart from mistakes in what was sent."""
    try:
        yield
    except (WrongUrl, WrongToken, WrongAccount):
        raise
    except DeployError as error:
        if error.cause not in _OF_TARGET:
            raise
        raise ApiError(502, str(error)) from None


def _raise(_request: HttpRequest, error: Any) -> HttpResponse:
    raise error


def _replay(_request: HttpRequest, error: Any) -> HttpResponse:
    response: HttpResponse = error.response
    return response


def _answer(request: HttpRequest, error: Any) -> HttpResponse:
    if isinstance(error, PermissionDenied):
        record_denied(request, str(error))
    kind = next(kind for kind in type(error).__mro__ if kind in _CONVERSIONS)
    return problem_response(request, _CONVERSIONS[kind](error))


def _not_found(error: Any) -> ApiError:
    return ApiError(404, str(error) or "There is nothing with this id.")


def _does_not_exist(error: Any) -> ApiError:
    return ApiError(
        404, f"There is no such {error.__class__.__qualname__.partition('.')[0].lower()}."
    )


def _http_error(error: Any) -> ApiError:
    return ApiError(error.status_code, str(error))


def _permission_denied(error: Any) -> ApiError:
    name = str(error)
    missing = f"The permission {name} is missing." if name else "You may not do this."
    return ApiError(403, f"{missing} Ask an administrator for it.")


def _invalid_request(error: Any) -> ApiError:
    """Return the problems of the fields; the values are left out, because they may be secret."""
    items = [_item(each) for each in error.errors]
    first = items[0]
    subject = first.path or "The request"
    return ApiError(400, f"{subject}: {first.message}", problems=items)


def _item(error: dict[str, Any]) -> ProblemItem:
    where = [str(part) for part in error["loc"]]
    path = ".".join(where[2:] if where[:1] == ["body"] else where[1:])
    message = str(error["msg"]).removeprefix("Value error, ")
    return ProblemItem(path=path, field=where[-1], message=message)


def _invalid_document(error: Any) -> ApiError:
    items = document_items(error.problems)
    first = error.problems[0]
    return ApiError(400, str(first), problems=items)


def _refused(error: Any) -> ApiError:
    items = [ProblemItem(node=error.node_id, message=str(error))] if error.node_id else []
    details = {"canForce": True} if error.can_force else None
    return ApiError(422, str(error), problems=items, details=details)


def _changed_meanwhile(error: Any) -> ApiError:
    return ApiError(409, str(error), details={"current": error.current})


def _validation(error: Any) -> ApiError:
    """Return the messages of Django's validation, by field where they have one."""
    if hasattr(error, "error_dict"):
        items = [
            ProblemItem(path=field, field=field, message=message)
            for field, messages in error.message_dict.items()
            for message in messages
        ]
    else:
        items = [ProblemItem(message=message) for message in error.messages]
    return ApiError(400, items[0].message, problems=items)


def _not_imported(error: Any) -> ApiError:
    items = [ProblemItem(message=message) for message in error.problems]
    return ApiError(400, error.problems[0], problems=items)


def _env_file(error: Any) -> ApiError:
    items = [ProblemItem(message=message) for message in error.errors]
    return ApiError(400, error.errors[0], problems=items)


def _deploy_error(error: Any) -> ApiError:
    items = [ProblemItem(message=str(finding)) for finding in error.as_findings()]
    status = 403 if error.cause is Cause.POLICY else 400
    return ApiError(status, str(error), problems=items)


def _wrong_account(error: Any) -> ApiError:
    accounts = [{"id": owner.id, "name": owner.name} for owner in error.owners]
    return ApiError(400, str(error), details={"accounts": accounts} if accounts else None)


_CONVERSIONS: dict[type[Exception], Any] = {
    ApiError: lambda error: error,
    InvalidRequest: _invalid_request,
    HttpError: _http_error,
    Http404: _not_found,
    ObjectDoesNotExist: _does_not_exist,
    WorkflowNotFound: _not_found,
    PermissionDenied: _permission_denied,
    ValidationError: _validation,
    InvalidIR: _invalid_document,
    InvalidSettings: _invalid_document,
    InvalidTests: _invalid_document,
    InvalidEnvFile: _env_file,
    NotImported: _not_imported,
    Refused: _refused,
    NotEditable: lambda _error: ApiError(409, _NO_TREE),
    ChangedMeanwhile: _changed_meanwhile,
    UnreadableSecret: lambda error: ApiError(409, str(error)),
    WrongAccount: _wrong_account,
    DeployError: _deploy_error,
}
