"""Connections, as AwaitStep calls targets: the list, adding, changing, verifying, checking, deleting."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.db.models import QuerySet
from ninja import Query, Router
from ninja.responses import Status

from api.conventions.callers import ApiRequest, Caller
from api.conventions.errors import as_conflict, of_target
from api.conventions.operations import Repeats, operation
from api.conventions.paging import Paging, page_of
from api.conventions.problems import ApiError
from api.conventions.schema import ListOf, listed
from api.schemas.connections import (
    ConnectionChanges,
    ConnectionOut,
    NewConnection,
    TokenOut,
    TokenToVerify,
    connection_of,
    values_of,
)
from targets import services
from targets.changing import change_target
from targets.checks import target_checks
from targets.models import Target
from targets.permissions import CHANGE_TARGET, CHECK, VIEW_TARGET

ADD, DELETE = "targets.add_target", "targets.delete_target"
router = Router(tags=["Connections"])


@operation(
    router, "GET", "/connections", permission=VIEW_TARGET, responses={200: ListOf[ConnectionOut]}
)
def list_connections(request: ApiRequest, query: Query[Paging]) -> dict[str, Any]:
    """List the targets by name, without their tokens."""
    rows = request.auth.within(_targets(), target="pk")
    page = page_of(rows, query, order=("name",), name="connections")
    return listed([connection_of(row) for row in page.rows], page.next_cursor)


@operation(
    router,
    "POST",
    "/connections",
    permission=ADD,
    responses={201: ConnectionOut},
    repeats=Repeats.NO,
)
def create_connection(request: ApiRequest, body: NewConnection) -> Status[Any]:
    """Add a Cloudflare account as a target. Its token is verified, and the account is checked."""
    request.auth.require_all_targets()
    target = Target(name=body.name, api_base_url=body.api_base_url)
    return Status(201, _changed(request.auth, target, body))


@operation(
    router,
    "POST",
    "/connections/verify-token",
    permission=(ADD, CHANGE_TARGET),
    responses={200: TokenOut},
    errors=[502],
    is_deploy=True,
    repeats=Repeats.NO,
)
def verify_token(request: ApiRequest, body: TokenToVerify) -> dict[str, Any]:
    """Look up the accounts of a token. Nothing is stored. Calls count against the limit for deploys."""
    with of_target():
        report = services.inspect_token(
            api_base_url=body.api_base_url,
            api_token=body.credentials.api_token,
            account_id=body.credentials.account_id,
        )
    return {
        "valid": not report.problem,
        "accounts": [{"id": owner.id, "name": owner.name} for owner in report.owners],
        "error": report.problem,
    }


@operation(
    router,
    "GET",
    "/connections/{key:connection_id}",
    permission=VIEW_TARGET,
    responses={200: ConnectionOut},
)
def get_connection(request: ApiRequest, connection_id: int) -> dict[str, Any]:
    """Return a target with the results of its last check."""
    return connection_of(_target(request.auth, connection_id))


@operation(
    router,
    "PATCH",
    "/connections/{key:connection_id}",
    permission=CHANGE_TARGET,
    responses={200: ConnectionOut},
    errors=[409],
)
def update_connection(
    request: ApiRequest, connection_id: int, body: ConnectionChanges
) -> dict[str, Any]:
    """Change a target, its rules or its token. A new token is verified before it is stored."""
    with as_conflict(services.EmbeddedTarget):
        return _changed(request.auth, _target(request.auth, connection_id), body)


@operation(
    router,
    "DELETE",
    "/connections/{key:connection_id}",
    permission=DELETE,
    responses={204: None},
    errors=[409],
)
def delete_connection(request: ApiRequest, connection_id: int) -> Status[None]:
    """Delete a target and its token. Its Workers keep running, and its history stays."""
    with as_conflict(services.EmbeddedTarget):
        services.delete(_target(request.auth, connection_id), by=request.auth.actor)
    return Status(204, None)


@operation(
    router,
    "POST",
    "/connections/{key:connection_id}/check",
    permission=CHECK,
    responses={200: ConnectionOut},
)
def check_connection(request: ApiRequest, connection_id: int) -> dict[str, Any]:
    """Check a target: its token, its account and its permissions. The results are stored."""
    target = _target(request.auth, connection_id)
    return connection_of(target_checks.check(target, by=request.auth.actor))


def _changed(
    caller: Caller, target: Target, body: NewConnection | ConnectionChanges
) -> dict[str, Any]:
    groups = None if body.deployers is None else _groups(body.deployers)
    warning = change_target(target, values_of(body), by=caller.actor, deployers=groups)
    return connection_of(_target(caller, target.pk), warning=warning)


def _groups(names: list[str]) -> list[Group]:
    groups = list(Group.objects.filter(name__in=names))
    for name in sorted(set(names) - {group.name for group in groups}):
        raise ApiError(400, f"There is no group {name!r}.")
    return groups


def _targets() -> QuerySet[Target]:
    """Return all targets without their tokens, which may be impossible to decrypt."""
    return Target.objects.defer("api_token").prefetch_related("deployers")


def _target(caller: Caller, pk: int) -> Target:
    caller.require_target(pk)
    return _targets().get(pk=pk)
