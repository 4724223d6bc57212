"""What a name of `env` stands for: the kinds of Cloudflare resources and how they are recognised."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final, Literal


class BindingKind(StrEnum):
    KV = "kv"
    D1 = "d1"
    R2 = "r2"
    QUEUE = "queue"
    SERVICE = "service"
    WORKFLOW = "workflow"
    AI = "ai"
    VECTORIZE = "vectorize"
    HYPERDRIVE = "hyperdrive"
    ANALYTICS = "analytics"
    BROWSER = "browser"

    @property
    def typescript(self) -> str:
        """The type of the binding in `@cloudflare/workers-types`."""
        return _TOLD[self][0]

    @property
    def words(self) -> tuple[str, ...]:
        """The words of a name (`MY_KV`) that say what it is; a workflow is always declared."""
        return _TOLD[self][1]

    @property
    def label(self) -> str:
        return _TOLD[self][2]


_TOLD: Final = {
    BindingKind.KV: ("KVNamespace", ("KV",), "KV namespace"),
    BindingKind.D1: ("D1Database", ("DB", "D1"), "D1 database"),
    BindingKind.R2: ("R2Bucket", ("BUCKET", "R2"), "R2 bucket"),
    BindingKind.QUEUE: ("Queue<any>", ("QUEUE",), "queue"),
    BindingKind.SERVICE: (
        "Fetcher & { [method: string]: any }",
        ("SERVICE",),
        "service (another Worker)",
    ),
    BindingKind.WORKFLOW: ("Workflow<any>", (), "workflow"),
    BindingKind.AI: ("Ai<any>", ("AI",), "Workers AI"),
    BindingKind.VECTORIZE: ("Vectorize", ("VECTORIZE",), "Vectorize index"),
    BindingKind.HYPERDRIVE: ("Hyperdrive", ("HYPERDRIVE",), "Hyperdrive configuration"),
    BindingKind.ANALYTICS: (
        "AnalyticsEngineDataset",
        ("ANALYTICS",),
        "Analytics Engine dataset",
    ),
    BindingKind.BROWSER: ("BrowserRun", ("BROWSER",), "browser"),
}

_BY_WORD: Final = {word: kind for kind in BindingKind for word in kind.words}

OWN_WORKFLOW: Final = "WORKFLOW"  # the Worker's own Workflow in its env, and no variable
VARIABLE_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]*")
BINDING_ID: Final = "_BINDING_ID"  # X_BINDING_ID names the resource behind the binding X
VARIABLE: Final = "variable"
EnvKind = BindingKind | Literal["variable"] | None


def resolve(
    name: str, *, declared: Mapping[str, BindingKind], variables: Collection[str]
) -> EnvKind:
    """Return what the name is: declared, a variable of that name, or said by its words.

    The last word that says something wins (`AI_QUEUE` is a queue). None: nothing is known of it.
    """
    if name in declared:
        return declared[name]
    if name in variables:
        return VARIABLE
    kinds = [_BY_WORD[word] for word in name.split("_") if word in _BY_WORD]
    return kinds[-1] if kinds else None


def typescript(kind: EnvKind) -> str:
    """Return the type that a name of `env` has in the generated code."""
    if kind is None:
        return "any"
    return kind.typescript if isinstance(kind, BindingKind) else "string"
