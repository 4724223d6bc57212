"""The resources of a target that Workers can be bound to: KV, D1, R2 and queues."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from ninja import Query, Router
from ninja.responses import Status

from api.conventions.callers import ApiRequest, Caller
from api.conventions.errors import of_target
from api.conventions.operations import operation
from api.conventions.schema import ListOf, listed
from api.lookup import target_for
from api.schemas.connections import (
    ConnectionQuery,
    NewResource,
    ResourceOut,
    ResourceQuery,
    resource_of,
)
from deployments.resources import services
from deployments.resources.services import ResourceUsage
from targets.permissions import CHANGE_TARGET, CHECK
from workflows.ir.reading.bindings import BindingKind

router = Router(tags=["Resources"])
_PATHS: Final = {
    BindingKind.KV: ("kv/namespaces", "kv_namespace"),
    BindingKind.D1: ("d1/databases", "d1_database"),
    BindingKind.R2: ("r2/buckets", "r2_bucket"),
    BindingKind.QUEUE: ("queues", "queue"),
}


def _declare(kind: BindingKind, path: str, name: str) -> None:
    """Add the operations of a kind of resource, which are named after it."""

    def list_resources(request: ApiRequest, query: Query[ResourceQuery]) -> dict[str, Any]:
        target = target_for(request.auth, id_=query.connection_id)
        with of_target():
            usages = services.list_resources(target, kind)
        return listed(
            [resource_of(_visible(request.auth, each)) for each in usages if _has(each, query.q)]
        )

    def create_resource(
        request: ApiRequest, body: NewResource, query: Query[ConnectionQuery]
    ) -> Status[Any]:
        target = target_for(request.auth, id_=query.connection_id)
        with of_target():
            made = services.create(target, kind, body.name, by=request.auth.actor)
        return Status(201, resource_of(ResourceUsage(resource=made, uses=())))

    _add(
        list_resources,
        "GET",
        path,
        name=f"list_{name}s",
        doc=f"List the {kind.label} resources of a target.",
    )
    _add(
        create_resource, "POST", path, name=f"create_{name}", doc=f"Create a {kind.label} resource."
    )


def _add(function: Callable[..., Any], method: str, path: str, *, name: str, doc: str) -> None:
    function.__name__, function.__doc__ = name, doc
    is_list = method == "GET"
    operation(
        router,
        method,
        f"/resources/{path}",
        permission=CHECK if is_list else CHANGE_TARGET,
        responses={200: ListOf[ResourceOut]} if is_list else {201: ResourceOut},
        errors=[404, 502],
    )(function)


def _has(usage: ResourceUsage, text: str) -> bool:
    return text.lower() in usage.resource.name.lower() or text in usage.resource.id


def _visible(caller: Caller, usage: ResourceUsage) -> ResourceUsage:
    """Leave out the workflows to which the caller's key is not restricted."""
    allowed = caller.key.workflows if caller.key else None
    if allowed is None:
        return usage
    return replace(
        usage,
        uses=tuple(use for use in usage.uses if use.workflow is None or use.workflow.pk in allowed),
        bound=tuple(each for each in usage.bound if each.live.workflow_public_id in allowed),
    )


for _kind, (_path, _name) in _PATHS.items():
    _declare(_kind, _path, _name)
