"""The types of the API's responses, as Cloudflare's own Python library declares them.

The library is generated from Cloudflare's description of its API. Each of its methods names a path
and the type of the result; they are read from its source.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import cloudflare
from cloudflare._models import validate_type
from pydantic import ValidationError

from tests.local_cloudflare.support.recorder import Call

_ROOT: Final = Path(str(cloudflare.__file__)).parent
_RESOURCES: Final = (
    "workers",
    "workflows",
    "kv",
    "d1",
    "r2",
    "queues",
    "durable_objects",
    "accounts",
    "user",
)
_METHODS: Final = {
    "_get": "GET",
    "_post": "POST",
    "_put": "PUT",
    "_patch": "PATCH",
    "_delete": "DELETE",
    "_get_api_list": "GET",
}

# Calls that wrangler or AwaitStep make, and that the library does not have:
_NOT_IN_THE_LIBRARY: Final = (
    r"POST /graphql",
    r"(GET|DELETE) /accounts/[^/]+/workers/services/[^/]+.*",
    r"GET /accounts/[^/]+/workers/scripts/[^/]+/references",
    r"GET /accounts/[^/]+/workers/tails/by-consumer/[^/]+",
    r"PATCH /accounts/[^/]+/workers/workers/[^/]+/versions/latest",
    r"(POST|PUT) /accounts/[^/]+/workers/scripts/[^/]+/domains/(changeset|records)",
    r"DELETE /accounts/[^/]+/storage/kv/namespaces/[^/]+/bulk",
    r"[A-Z]+ /accounts/[^/]+/r2/buckets/[^/]+/objects/.*%2E.*",
    r"GET /accounts/[^/]+/workflows/[^/]+/instances/",
    r"DELETE /accounts/[^/]+/workflows/[^/]+/instances/[^/]+",
    r"POST /accounts/[^/]+/workflows/[^/]+/instances/batch/(delete|terminate)",
    r"(GET|PUT) /accounts/[^/]+/workflows/[^/]+/instances/terminate",
    r"(GET|DELETE) /accounts/[^/]+/local/emails(/[^/]+)?",
)
# The library's declarations of the bindings of a version, and of the value of a missing key, cannot be used for checks:
_NOT_CHECKABLE: Final = (
    r"(GET|POST) /accounts/[^/]+/workers/scripts/[^/]+/versions(/[^/]+)?",
    r"POST /accounts/[^/]+/storage/kv/namespaces/[^/]+/bulk/get",
)
# The result is null if there is nothing:
_NULLABLE: Final = (r"GET /accounts/[^/]+/workers/scripts/[^/]+/tails",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A call that the library has, and the source of the type of its response.

    The type is that of the result if `is_wrapped`, and otherwise that of the whole body.
    """

    method: str
    pattern: re.Pattern[str]
    literals: int
    is_list: bool
    is_wrapped: bool
    module: str
    type_source: str

    def result_type(self) -> Any:
        namespace = vars(importlib.import_module(self.module))
        return eval(self.type_source, dict(namespace))  # noqa: S307 - the library's own source


@cache
def endpoints() -> tuple[Endpoint, ...]:
    """Return the library's calls, the most specific paths first."""
    found = [each for name in _RESOURCES for each in _endpoints_below(_ROOT / "resources" / name)]
    return tuple(sorted(found, key=lambda endpoint: -endpoint.literals))


def _endpoints_below(folder: Path) -> Iterator[Endpoint]:
    for file in sorted(folder.rglob("*.py")):
        module = ".".join(file.relative_to(_ROOT.parent).with_suffix("").parts)
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("Async"):
                yield from _endpoints_in(node, module)


def _endpoints_in(node: ast.ClassDef, module: str) -> Iterator[Endpoint]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            method = _method(call)
            path = _path(call) if method else None
            source = _type_source(call) if method else None
            if method and path and source:
                yield Endpoint(
                    method=method,
                    pattern=re.compile(re.sub(r"\{\w+\}", "[^/]+", path)),
                    literals=len(re.sub(r"\{\w+\}", "", path)),
                    is_list=call.func.attr == "_get_api_list",
                    is_wrapped="ResultWrapper" in ast.unparse(call),
                    module=module,
                    type_source=source,
                )


def _method(call: ast.Call) -> str | None:
    """Return the method of a call; some lists are read with a method other than GET."""
    assert isinstance(call.func, ast.Attribute)
    named = next((each.value for each in call.keywords if each.arg == "method"), None)
    if call.func.attr in _METHODS and isinstance(named, ast.Constant):
        return str(named.value).upper()
    return _METHODS.get(call.func.attr)


def _path(call: ast.Call) -> str | None:
    first = call.args[0] if call.args else None
    if isinstance(first, ast.Call) and first.args:
        first = first.args[0]
    value = first.value if isinstance(first, ast.Constant) else None
    return value if isinstance(value, str) else None


def _type_source(call: ast.Call) -> str | None:
    """Return the source of the type inside `cast_to=cast(Type[X], ResultWrapper[X])` or `model=X`."""
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    value = keywords.get("model") or keywords.get("cast_to")
    if isinstance(value, ast.Call) and len(value.args) == 2:
        value = value.args[1]
    if isinstance(value, ast.Subscript) and ast.unparse(value.value) == "ResultWrapper":
        value = value.slice
    return ast.unparse(value) if value is not None else None


def endpoint_of(call: Call) -> Endpoint | None:
    """Return the library's declaration of a call; None if it has none."""
    return next(
        (
            endpoint
            for endpoint in endpoints()
            if endpoint.method == call.method and endpoint.pattern.fullmatch(call.path)
        ),
        None,
    )


def check(call: Call, endpoint: Endpoint) -> None:
    """Raise if the response is not of the declared type."""
    expected = endpoint.result_type()
    if not endpoint.is_list:
        value = call.body["result"] if endpoint.is_wrapped else call.body
        validate_type(type_=expected, value=value)
        return
    result = call.body["result"]
    items = result if isinstance(result, list) else result.get("items", [result])
    for item in items:
        validate_type(type_=expected, value=item)


def problem(call: Call) -> str:
    """Return how a response differs from its declaration; "" if it does not."""
    name = f"{call.method} {call.path}"
    if call.body is None or call.status >= 400 or _is_exempt(call, name):
        return ""
    if _matches(name, _NOT_IN_THE_LIBRARY):  # even if it looks like another call of the library
        return ""
    endpoint = endpoint_of(call)
    if endpoint is None:
        return f"{name}: not in the library"
    try:
        check(call, endpoint)
    except ValidationError as error:
        return f"{name}: {error}"
    return ""


def _is_exempt(call: Call, name: str) -> bool:
    is_empty = isinstance(call.body, dict) and call.body.get("result", "") is None
    return _matches(name, _NOT_CHECKABLE) or (is_empty and _matches(name, _NULLABLE))


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(re.fullmatch(pattern, name) for pattern in patterns)
