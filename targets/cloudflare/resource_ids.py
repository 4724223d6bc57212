"""What `<NAME>_BINDING_ID` holds for each kind of binding, and which values Cloudflare accepts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from workflows.ir.reading.bindings import BindingKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    """How one kind of binding identifies its resource, for example by "the name of the R2 bucket"."""

    words: str
    pattern: re.Pattern[str]
    rule: str

    def accepts(self, value: str) -> bool:
        return self.pattern.fullmatch(value) is not None


def _named(words: str, pattern: str, rule: str) -> Identifier:
    return Identifier(words=words, pattern=re.compile(pattern), rule=rule)


_ID: Final = r"[0-9A-Za-z-]{1,64}"
_ID_RULE: Final = "letters, digits and -, as shown on the target"
_WORKER: Final = r"[0-9A-Za-z_-]{1,255}"

IDENTIFIERS: Final = {
    BindingKind.KV: _named("the id of the KV namespace", _ID, _ID_RULE),
    BindingKind.D1: _named("the id of the D1 database", _ID, _ID_RULE),
    BindingKind.R2: _named(
        "the name of the R2 bucket",
        r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
        "3 to 63 lowercase letters, digits and -, with a letter or a digit at both ends",
    ),
    BindingKind.QUEUE: _named(
        "the name of the queue",
        r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
        "1 to 63 lowercase letters, digits and -, with a letter or a digit at both ends",
    ),
    BindingKind.SERVICE: _named(
        "the name of the Worker", _WORKER, "letters, digits, - and _, as shown on the target"
    ),
    BindingKind.ANALYTICS: _named(
        "the name of the Analytics Engine dataset",
        r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}",
        "letters, digits, _ and -, at most 100",
    ),
    BindingKind.VECTORIZE: _named(
        "the name of the Vectorize index",
        r"[a-z][a-z0-9_-]{0,62}[a-z0-9]",
        "2 to 64 lowercase letters, digits, - and _, starting with a letter and not ending in - or _",
    ),
    BindingKind.HYPERDRIVE: _named("the id of the Hyperdrive configuration", _ID, _ID_RULE),
    BindingKind.WORKFLOW: _named(
        "the id of one of your workflows, or WORKER/CLASS for the Workflow of any Worker",
        rf"{_WORKER}(/[A-Za-z_$][A-Za-z0-9_$]*)?",
        "the id of a workflow, or the name of a Worker, a slash and the name of its class",
    ),
}
"""Workers AI, browser and email bindings are missing: they refer to the account itself."""

SINGLE: Final = (BindingKind.AI, BindingKind.BROWSER)
"""Kinds that a Worker can bind only once."""
