"""What a node type is: the shape that every module of `workflows.nodes` has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workflows.codegen.emitter import Emitter
    from workflows.ir.document import Node
    from workflows.ir.reader import Reader

INFERRED = "inferred"


def _sees_nothing(_settings: Any, _label: str) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """How the edges out of a container are read; each but `then` opens a region.

    `labels` names the regions that its settings allow (None: every edge is one), `required` those
    that must have an edge. Only of `alternatives` one region alone runs, so only theirs may lead to
    a shared node; `in_turn` they run one after another. `names` are the variables that the inside of a region sees.
    """

    labels: Callable[[Any], Sequence[str]] | None
    required: tuple[str, ...] = ()
    alternatives: bool = False
    in_turn: bool = False
    names: Callable[[Any, str], tuple[str, ...]] = _sees_nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Another Worker that a node calls: the kind of binding it needs, and whose."""

    kind: str
    worker: str
    class_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeType:
    """A type of node: its schema (`read`), the form of its edges, its output and its emitter.

    `output` is the TypeScript type of its value, INFERRED from the callback, or None without value.
    `callback` writes the function that a durable step runs; `emit` writes the node where it stands.
    `calls` says which other Worker a node needs. A type without `emit` is known and cannot be
    generated yet.
    """

    name: str
    title: str
    read: Callable[[Reader], Any]
    container: Container | None = None
    output: str | None = None
    callback: Callable[[Node, Emitter], None] | None = None
    emit: Callable[[Node, Emitter], None] | None = None
    calls: Callable[[Any], Call] | None = None
    version: str = "1.0.0"
    provider: str = "cloudflare"
