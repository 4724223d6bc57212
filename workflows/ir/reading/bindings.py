"""The names in `env`: kinds of Cloudflare bindings, and how a kind is recognized by its name."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final, Literal


class BindingKind(StrEnum):
    """A kind of Cloudflare resource that a Worker is bound to."""

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
    EMAIL = "email"

    @property
    def typescript(self) -> str:
        """The type of the binding in `@cloudflare/workers-types`."""
        return _DETAILS[self][0]

    @property
    def keywords(self) -> tuple[str, ...]:
        """The words in a name that reveal its kind (`MY_KV`); kinds without one must be declared.

        `SUPPORT_EMAIL` is more likely a variable than a binding.
        """
        return _DETAILS[self][1]

    @property
    def label(self) -> str:
        """The display name of the resource."""
        return _DETAILS[self][2]


_DETAILS: Final = {
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
    BindingKind.EMAIL: ("SendEmail", (), "email sender"),
}

_BY_KEYWORD: Final = {word: kind for kind in BindingKind for word in kind.keywords}

OWN_WORKFLOW: Final = "WORKFLOW"  # the binding of a Worker to its own Workflow
VARIABLE_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]*")
BINDING_ID: Final = "_BINDING_ID"  # the variable X_BINDING_ID holds the resource of the binding X
VARIABLE: Final = "variable"


def is_reserved(name: str) -> bool:
    """Return whether neither a variable nor a binding of a user can have the name."""
    return name == OWN_WORKFLOW or name.endswith(BINDING_ID)


EnvKind = BindingKind | Literal["variable"] | None


def resolve(
    name: str, *, declared: Mapping[str, BindingKind], variables: Collection[str]
) -> EnvKind:
    """Return the kind of a name: as declared, a variable, or by the last keyword in it.

    `AI_QUEUE` is a queue. None means that the kind is unknown.
    """
    if name in declared:
        return declared[name]
    if name in variables:
        return VARIABLE
    kinds = [_BY_KEYWORD[word] for word in name.split("_") if word in _BY_KEYWORD]
    return kinds[-1] if kinds else None


def typescript(kind: EnvKind) -> str:
    """Return the TypeScript type of a name in `env`."""
    if kind is None:
        return "any"
    return kind.typescript if isinstance(kind, BindingKind) else "string"
