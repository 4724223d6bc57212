"""Declaring an operation: its path, who may call it, what it answers, and how it may fail."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypedDict, TypeVar, Unpack

from django.http import HttpRequest
from ninja import Router

from api.conventions import idempotency, rate_limits
from api.conventions.bodies import SMALL, keep_json_body
from api.conventions.callers import Caller, caller_of, require_access
from api.conventions.problems import ApiError, Problem
from api.keys.services import record_use
from api.scopes import Scope
from audit import trail

Function = TypeVar("Function", bound=Callable[..., Any])
_WITH_BODY: Final = ("POST", "PUT", "PATCH")
_ALWAYS: Final = (400, 401, 403, 429, 503)
_OF_BODY: Final = (413, 415)
_OF_KEY: Final = (409, 422)
_PEOPLE_ONLY: Final = "Only people may do this, in a session: it is not possible with an API key."


class Repeats(StrEnum):
    """What happens to a POST that is sent again with the same `Idempotency-Key`."""

    STORED = "stored"
    """Its response is sent again."""
    OWN = "own"
    """The operation takes care of it itself."""
    NO = "no"
    """The header has no effect, because the response is a stream or contains a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Admits callers to one operation, and reads the body once they are admitted.

    `max_bytes` limits the body, `is_deploy` counts calls against the limit for deploys, and `people_only`
    refuses keys.
    """

    scope: Scope
    permissions: tuple[str, ...]
    max_bytes: int = SMALL
    is_deploy: bool = False
    people_only: bool = False
    repeats: Repeats = Repeats.STORED

    def __call__(self, request: HttpRequest) -> Caller:
        caller = caller_of(request)
        request.user = caller.user
        if caller.key:
            trail.act_with(caller.key.label)
        rate_limits.count_caller(request, caller.id, is_deploy=self.is_deploy)
        require_access(request, caller, scope=self.scope, permissions=self.permissions)
        if caller.key:
            record_use(caller.key)
            if self.people_only:
                raise ApiError(403, _PEOPLE_ONLY)
        if request.method in _WITH_BODY:
            keep_json_body(request, max_bytes=self.max_bytes)
        if self.repeats is Repeats.STORED:
            idempotency.begin(request, caller.id)
        return caller


class Options(TypedDict, total=False):
    """Further arguments of an operation, with the meaning that they have in `Access`."""

    max_bytes: int
    is_deploy: bool
    people_only: bool
    repeats: Repeats


def operation(
    router: Router,
    method: str,
    path: str,
    *,
    permission: str | tuple[str, ...] = (),
    responses: Mapping[int, Any],
    errors: Collection[int] = (),
    scope: Scope | None = None,
    headers: Collection[str] = (),
    **options: Unpack[Options],
) -> Callable[[Function], Function]:
    """Add an operation to a router.

    A call needs the `scope` ("read" for a GET, otherwise "write") and one of the permissions. `errors` are
    statuses beside those of every call. `headers` are further headers that it reads.
    """
    access = Access(
        scope=scope or (Scope.READ if method == "GET" else Scope.WRITE),
        permissions=(permission,) if isinstance(permission, str) else permission,
        **options,
    )

    def decorate(function: Function) -> Function:
        router.api_operation(
            [method],
            path,
            auth=access,
            response={**responses, **_failures(method, path, access, errors)},
            operation_id=function.__name__,
            by_alias=True,
            url_name=function.__name__,
            openapi_extra=_described(method, access, headers),
        )(function)
        return function

    return decorate


def _failures(
    method: str, path: str, access: Access, errors: Collection[int]
) -> dict[int, type[Problem]]:
    statuses = {*_ALWAYS, *errors, *(_OF_BODY if method in _WITH_BODY else ())}
    if method == "POST" and access.repeats is Repeats.STORED:
        statuses |= set(_OF_KEY)
    if "{" in path:
        statuses.add(404)
    return dict.fromkeys(sorted(statuses), Problem)


def _described(method: str, access: Access, headers: Collection[str]) -> dict[str, Any]:
    """Return what the specification says about access and headers."""
    names = list(headers)
    if method == "POST" and access.repeats is not Repeats.NO:
        names.append(idempotency.HEADER)
    parameters = [
        {"in": "header", "name": name, "required": False, "schema": {"type": "string"}}
        for name in names
    ]
    ways: list[dict[str, list[str]]] = [{"session": []}]
    if not access.people_only:
        ways.insert(0, {"key": []})
    described: dict[str, Any] = {
        "security": ways,
        "x-scope": access.scope.value,
        "x-permissions": list(access.permissions),
    }
    return {**described, "parameters": parameters} if parameters else described
