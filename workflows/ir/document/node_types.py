"""What a node type is: the shape that every module of `workflows.nodes.built_in` has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from workflows.ir.custom.definition import Definition
from workflows.ir.reading.fields import Duration
from workflows.ir.reading.reader import Reader

Emit = Callable[[Any, Any], None]
"""Writes a node: takes a Node and the Emitter of `workflows.codegen`, which lies above this room."""

INFERRED = "inferred"


def _sees_nothing(_settings: Any, _label: str) -> tuple[str, ...]:
    return ()


def _has_no_names(_settings: Any) -> tuple[str, ...]:
    return ()


def _never(_settings: Any) -> bool:
    return False


def one_step(_settings: Any) -> int:
    return 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """How the edges out of a container are read; each but `then` opens a region.

    `labels` names the regions that its settings allow (None: every edge is one), `required` those
    that must have an edge. How the regions run: of `alternatives` one alone, so only theirs may
    lead to a shared node; `in_turn` one after another, each of which may stop early; `repeats` again
    and again; `concurrent` all at once, and those `in_step` inside one durable
    step, which takes at most what it says. Those labelled
    `cleanup` give no value. `names` are the variables that the inside of a region sees, `own_names`
    those that its own settings see, which may be `read_again` once the regions have run. `times` says
    how often one that `repeats` does so at most, None where that is not known.
    """

    labels: Callable[[Any], Sequence[str]] | None
    required: tuple[str, ...] = ()
    alternatives: bool = False
    in_turn: bool = False
    repeats: bool = False
    concurrent: bool = False
    in_step: Callable[[Any], Duration] | None = None
    cleanup: tuple[str, ...] = ()
    names: Callable[[Any, str], tuple[str, ...]] = _sees_nothing
    own_names: Callable[[Any], tuple[str, ...]] = _has_no_names
    read_again: Callable[[Any], bool] = _never
    times: Callable[[Any], int | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Another Worker that a node calls: the kind of binding it needs, and whose."""

    kind: str
    worker: str
    class_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Custom:
    """A type that people wrote: what its node.json says, and the TypeScript that runs."""

    definition: Definition
    template: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeType:
    """A type of node: its schema (`read`), the form of its edges, its output and its emitter.

    `output` is the TypeScript type of its value, INFERRED from the callback, or None without value.
    `callback` writes the function that a durable step runs; `emit` writes the node where it stands.
    `calls` says which other Worker a node needs; `leaves` marks a node that ends a loop or the run
    and says whether it always does, `waits` says how long a node may wait at most, `steps` how many durable steps it takes (one where it
    has a callback and does not say so), `parts` what follows the
    node's name in theirs, `sends` marks one that sends a request.
    `notice` is what each node of the type is warned of.
    """

    name: str
    title: str
    read: Callable[[Reader], Any]
    emit: Emit
    container: Container | None = None
    output: str | None = None
    callback: Emit | None = None
    calls: Callable[[Any], Call | None] | None = None
    leaves: Callable[[Any], bool] | None = None
    waits: Callable[[Any], Duration | None] | None = None
    steps: Callable[[Any], int] | None = None
    parts: tuple[str, ...] = ("",)
    sends: bool = False
    custom: Custom | None = None
    notice: str = ""
    version: str = "1.0.0"
    provider: str = "cloudflare"
