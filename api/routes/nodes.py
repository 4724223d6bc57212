"""Node types, and the library in the form of AwaitStep's marketplace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ninja import Router
from ninja.responses import Status

from api.conventions.bodies import DOCUMENT
from api.conventions.callers import ApiRequest
from api.conventions.operations import operation
from api.conventions.problems import ApiError, ProblemItem
from api.conventions.schema import ListOf, listed
from api.schemas.nodes import (
    LoadedNodeType,
    MarketplaceAnswer,
    MarketplaceRequest,
    NewNodeType,
    NodeTypeOut,
    NodeTypeSummary,
    field_of,
    node_type_of,
)
from workflows.ir.document.node_types import NodeType
from workflows.ir.document.registry import Registry
from workflows.node_types.files import FileProblem, TypeFiles
from workflows.node_types.loading import Outcome, State, load_types
from workflows.node_types.registered import all_types, contents_of
from workflows.nodes.built_in import BUILT_IN
from workflows.nodes.library.library import library

VIEW, ADD = "workflows.view_nodetype", "workflows.add_nodetype"
_BUILT_IN: Final = frozenset(type_.name for type_ in BUILT_IN)
router = Router(tags=["Node types"])


@operation(router, "GET", "/nodes", permission=VIEW, responses={200: ListOf[NodeTypeSummary]})
def list_node_types(request: ApiRequest) -> dict[str, Any]:
    """List the newest version of every node type: built in, in the library, and loaded."""
    return listed(list(_summaries(all_types())))


@operation(router, "GET", "/nodes/{slug:node_id}", permission=VIEW, responses={200: NodeTypeOut})
def get_node_type(request: ApiRequest, node_id: str) -> dict[str, Any]:
    """Return the newest version of a node type with its settings."""
    versions = all_types().versions(node_id)
    if not versions:
        raise ApiError(404, f"There is no node type {node_id!r}.")
    type_ = list(versions.values())[-1]
    content = contents_of({(type_.name, type_.version)}).get((type_.name, type_.version), {})
    return {
        **_summary(type_, list(versions)),
        "fields": [field_of(field) for field in type_.fields],
        "example": type_.new_data(),
        "output": type_.output,
        "definition": content.get("definition"),
        "template": content.get("template"),
    }


@operation(
    router,
    "POST",
    "/nodes",
    permission=ADD,
    responses={200: LoadedNodeType, 201: LoadedNodeType},
    max_bytes=DOCUMENT,
)
def create_node_type(request: ApiRequest, body: NewNodeType) -> Status[Any]:
    """Load a version of a custom node type, once it compiles. A version that was loaded never changes."""
    request.auth.require_all_workflows()
    id_, version = (str(body.definition.get(key, "")) for key in ("id", "version"))
    files = TypeFiles(
        id=id_,
        version=version,
        value=body.definition,
        template=body.template,
        template_file=f"{id_}/{version}/template.ts",
        problems=(),
    )
    (outcome,) = load_types([files], by=request.auth.user.get_username())
    items = [_item(problem) for problem in outcome.problems]
    if outcome.state is State.REFUSED:
        raise ApiError(400, items[0].message, problems=items)
    return Status(201 if outcome.state is State.LOADED else 200, _loaded(outcome, items))


@operation(router, "GET", "/marketplace", permission=VIEW, responses={200: ListOf[NodeTypeSummary]})
def list_marketplace(request: ApiRequest) -> dict[str, Any]:
    """List the node types of the library, which come with this installation."""
    names = {name for name, _ in library()}
    return listed([each for each in _summaries(all_types()) if each["id"] in names])


@operation(
    router,
    "POST",
    "/marketplace/install",
    permission=VIEW,
    responses={200: MarketplaceAnswer},
    errors=[404],
)
def install_node_type(request: ApiRequest, body: MarketplaceRequest) -> dict[str, Any]:
    """Confirm that a type of the library can be used. Nothing has to be installed."""
    return _available(body)


@operation(
    router,
    "POST",
    "/marketplace/update",
    permission=VIEW,
    responses={200: MarketplaceAnswer},
    errors=[404],
)
def update_node_type(request: ApiRequest, body: MarketplaceRequest) -> dict[str, Any]:
    """Confirm that a version of a type can be used; the nodes of documents keep theirs."""
    return _available(body)


@operation(
    router,
    "POST",
    "/marketplace/uninstall",
    permission=VIEW,
    responses={200: MarketplaceAnswer},
    errors=[404],
)
def uninstall_node_type(request: ApiRequest, body: MarketplaceRequest) -> dict[str, Any]:
    """Refuse: the types of the library come with this installation."""
    _available(body)
    raise ApiError(409, f"{body.node_id} comes with AwaitStep and cannot be uninstalled.")


def _available(body: MarketplaceRequest) -> dict[str, Any]:
    versions = [version for name, version in library() if name == body.node_id]
    version = body.version or (versions[-1] if versions else "")
    if version not in versions:
        what = f"{body.node_id} {body.version or ''}".strip()
        raise ApiError(404, f"The library has no type {what!r}.")
    return {"node_id": body.node_id, "version": version, "installed": True}


def _summaries(registry: Registry) -> Iterator[dict[str, Any]]:
    for name in registry:
        versions = registry.versions(name)
        yield _summary(list(versions.values())[-1], list(versions))


def _summary(type_: NodeType, versions: list[str]) -> dict[str, Any]:
    if type_.name in _BUILT_IN:
        source = "built-in"
    else:
        source = "library" if (type_.name, type_.version) in library() else "custom"
    return node_type_of(type_, versions, source=source)


def _item(problem: FileProblem) -> ProblemItem:
    severity = "error" if problem.is_error else "warning"
    return ProblemItem(path=problem.file, message=str(problem), severity=severity)


def _loaded(outcome: Outcome, items: list[ProblemItem]) -> dict[str, Any]:
    return {
        "id": outcome.files.id,
        "version": outcome.files.version,
        "state": str(outcome.state),
        "problems": items,
    }
