"""The cases in the folders of the library: what a node of the type does, and what services answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from tests.workflows.ir.documents import Document, document, node
from tests.workflows.nodes.library.signatures import (
    PRIVATE_KEY_LINE,
    SERVICE_ACCOUNT,
    WEBHOOK_SECRET,
)
from workflows.ir.settings.setting_field import FieldKind
from workflows.nodes.library.library import CASES, TYPES, library

FAST: Final[dict[str, Any]] = {"retryLimit": 2, "retryDelay": 10, "backoff": "constant"}
_FORMATTED: Final = {
    "DISCORD_WEBHOOK_URL": "https://discord.com/api/webhooks/1/test-webhook-token",
    "GOOGLE_SERVICE_ACCOUNT": SERVICE_ACCOUNT,
    "WEBHOOK_SECRET": WEBHOOK_SECRET,
}
SECRETS: Final = {
    field.variable: _FORMATTED.get(
        field.variable, f"test-{field.variable.lower().replace('_', '-')}"
    )
    for each in library().values()
    for field in each.type.fields
    if field.kind is FieldKind.SECRET
}
LEAKS: Final = (
    *(value for value in SECRETS.values() if value != SERVICE_ACCOUNT),
    PRIVATE_KEY_LINE,
    "test-webhook-token",
    "test-access-token",
)
"""What no output and no error may contain: the secrets, parts of them, and tokens of services."""
_LONG: Final = re.compile(r"\$([0-9]+)")
_OWN_NODE: Final = re.compile(r"\bn([0-9])\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One run of nodes, the last of which is usually of the type.

    `requests` are those that are made, each with its `answer`. `attempts` are those of the last node.
    """

    type: str
    name: str
    nodes: Sequence[Mapping[str, Any]]
    payload: Any = field(default_factory=dict)
    requests: Sequence[Mapping[str, Any]] = ()
    output: Any = None
    error: str = ""
    attempts: int = 1

    def __str__(self) -> str:
        return f"{self.type} {self.name}"

    @property
    def params(self) -> dict[str, Any]:
        payload: dict[str, Any] = lengthened(self.payload)
        return payload

    @property
    def hosts(self) -> set[str]:
        return {urlsplit(each["url"]).netloc for each in self.requests if "url" in each}


def lengthened(value: Any) -> Any:
    """Return the value with 100 characters in place of the text "$100"."""
    if isinstance(value, dict):
        return {name: lengthened(each) for name, each in value.items()}
    if isinstance(value, list):
        return [lengthened(each) for each in value]
    long = _LONG.fullmatch(value) if isinstance(value, str) else None
    return "x" * int(long[1]) if long else value


def cases_of(type_: str) -> list[Case]:
    """Return the cases in the folder of a type."""
    return [
        Case(type=type_, nodes=raw.pop("nodes", None) or [{"data": raw.pop("data")}], **raw)
        for raw in json.loads((TYPES / type_ / CASES).read_text("utf-8"))
    ]


def document_of(cases: Sequence[Case]) -> Document:
    """Return a document that runs the case with the number in `event.payload.case`."""
    arms = [
        {"label": f"c{index}", "condition": f"event.payload.case === {index}"}
        for index in range(len(cases))
    ]
    nodes = [node("case", "branch", branches=arms)]
    edges: list[str] = []
    for index, case in enumerate(cases):
        before = "case"
        for at, each in enumerate(case.nodes):
            id_ = f"n{at}_{index}"
            nodes.append(_node(id_, each, case, index))
            edges.append(f"{before} {id_}" + (f" c{index}" if before == "case" else ""))
            before = id_
    return document(nodes, *edges)


def _node(id_: str, each: Mapping[str, Any], case: Case, index: int) -> dict[str, Any]:
    """Return a node; `n0` in its settings means the first node of the case."""
    text = _OWN_NODE.sub(rf"n\1_{index}", json.dumps(each["data"]))
    return node(id_, each.get("type", case.type)) | {"data": FAST | json.loads(text)}
