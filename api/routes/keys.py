"""API keys, for people only: a key cannot create, list or revoke keys."""

from __future__ import annotations

from typing import Any

from ninja import Query, Router
from ninja.responses import Status

from api.conventions.callers import ApiRequest
from api.conventions.operations import Repeats, operation
from api.conventions.paging import Paging, page_of
from api.conventions.problems import ApiError
from api.conventions.schema import ListOf, listed
from api.keys import services
from api.schemas.keys import CreatedKeyOut, KeyOut, NewKey, key_of
from web.converters import read_key

ADD, VIEW = "api.add_apikey", "api.view_apikey"
router = Router(tags=["API keys"])


@operation(
    router,
    "GET",
    "/api-keys",
    permission=VIEW,
    responses={200: ListOf[KeyOut]},
    people_only=True,
)
def list_keys(request: ApiRequest, query: Query[Paging]) -> dict[str, Any]:
    """List your keys that are not revoked, the newest first; administrators see those of everyone."""
    rows = services.keys_for(request.auth.user).filter(revoked_at=None)
    page = page_of(rows, query, order=("-pk",), name="keys")
    return listed([key_of(row) for row in page.rows], page.next_cursor)


@operation(
    router,
    "POST",
    "/api-keys",
    permission=ADD,
    responses={201: CreatedKeyOut},
    people_only=True,
    repeats=Repeats.NO,
)
def create_key(request: ApiRequest, body: NewKey) -> Status[Any]:
    """Create a key. The response is the only place where it is ever shown."""
    made = services.create_key(
        name=body.name,
        scopes=body.scopes,
        expires_at=body.expires_at,
        workflows=body.workflow_ids,
        targets=None if body.target_ids is None else list(map(_target, body.target_ids)),
        by=request.auth.user,
    )
    return Status(201, {**key_of(made.key), "key": made.token})


@operation(
    router,
    "DELETE",
    "/api-keys/{key:key_id}",
    permission=VIEW,
    responses={204: None},
    people_only=True,
)
def revoke_key(request: ApiRequest, key_id: int) -> Status[None]:
    """Revoke a key: calls with it fail from now on."""
    key = services.keys_for(request.auth.user).filter(pk=key_id, revoked_at=None).first()
    if key is None:
        raise ApiError(404, f"There is no API key {key_id}.")
    services.revoke_key(key, by=request.auth.user)
    return Status(204, None)


def _target(text: str) -> int:
    target = read_key(text)
    if target is None:
        raise ApiError(400, "targetIds must be ids of targets.")
    return target
