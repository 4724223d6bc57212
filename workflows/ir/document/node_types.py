"""The shape of a node type; each module of `workflows.nodes` defines one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from workflows.ir.custom.definition import Definition
from workflows.ir.reading.bindings import BindingKind
from workflows.ir.reading.fields import Code, Duration
from workflows.ir.reading.reader import Reader
from workflows.ir.settings.setting_field import Parameter, SettingField

Emit = Callable[[Any, Any], None]
"""Writes a node's code: takes a Node and the Emitter of `workflows.codegen`, a package above."""

INFERRED = "inferred"
VALUE_SUFFIX = ": value"
"""The suffix of the step that stores a setting whose value may differ when it is evaluated again."""


class Category(StrEnum):
    """The purpose of a node type; the palette groups types by category, in this order."""

    WORK = "Work"
    WAIT = "Wait"
    DECIDE = "Decide"
    REPEAT = "Repeat"
    CONCURRENT = "At the same time"
    FAIL_SAFELY = "Fail safely"
    CALL_OTHERS = "Call others"
    STORE = "Store data"
    MESSAGES = "Send messages"
    AI = "Use AI"
    SERVICES = "Use services"
    CUSTOM = "Custom"


def _no_inner_names(_settings: Any, _label: str) -> tuple[str, ...]:
    return ()


def _no_own_names(_settings: Any) -> tuple[str, ...]:
    return ()


def _never(_settings: Any) -> bool:
    return False


def _zero(_settings: Any) -> int:
    return 0


def single_step(_settings: Any) -> int:
    """Return 1, for types that always take one durable step."""
    return 1


def single_request(_settings: Any) -> int:
    """Return 1, for types that always send one request."""
    return 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """How the edges out of a container are read; each edge but `then` opens a region.

    - `labels`: the regions that the settings allow; None if every edge is one.
    - `required`: the regions that must have an edge.
    - `alternatives`: only one region runs; only these may lead to shared nodes.
    - `sequential`: the regions run one after another, and each may stop early.
    - `repeats`: the region is the body of a loop.
    - `max_iterations`: how many times the regions run at most, even if a race is retried (None: not known).
    - `concurrent`: all regions run at the same time.
    - `step_timeout`: the regions run inside one durable step with this timeout.
    - `cleanup`: labels of regions without a value.
    - `inner_names`: the variables that a region sees.
    - `own_names`: the variables that the container's own settings see.
    - `rereads_settings`: whether the settings are evaluated again after the regions have run.
    - `conditions`: what must be true for each region to run, in the order of the labels; None for "else".
    - `min_iterations`: how many times the regions run at least, if no `break` leaves them.
    - `is_endless`: whether only a `break` leaves the regions.
    - `keeps_exits`: whether a node that breaks in the regions only leaves the container.
    - `collects_errors`: whether the workflow continues even if a region fails.
    """

    labels: Callable[[Any], Sequence[str]] | None
    required: tuple[str, ...] = ()
    alternatives: bool = False
    sequential: bool = False
    repeats: bool = False
    concurrent: bool = False
    step_timeout: Callable[[Any], Duration] | None = None
    cleanup: tuple[str, ...] = ()
    inner_names: Callable[[Any, str], tuple[str, ...]] = _no_inner_names
    own_names: Callable[[Any], tuple[str, ...]] = _no_own_names
    rereads_settings: Callable[[Any], bool] = _never
    max_iterations: Callable[[Any], int | None] | None = None
    conditions: Callable[[Any], Sequence[Code | None]] | None = None
    min_iterations: Callable[[Any], int] = _zero
    is_endless: Callable[[Any], bool] = _never
    keeps_exits: bool = False
    collects_errors: Callable[[Any], bool] = _never


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of another Worker: the kind of binding it needs, and the Worker's name."""

    kind: str
    worker: str
    class_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundName:
    """A binding that a setting names; `path` is that of the setting, such as `data.database`."""

    name: str
    kind: BindingKind
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Custom:
    """A custom type: its node.json and its TypeScript template.

    `needs` returns whether a node with these settings cannot run without a secret. `request_helper` is
    TypeScript that declares the type of `ctx.request`, "" for a template that does not use it.
    """

    definition: Definition
    template: str
    needs: Callable[[Any, SettingField], bool]
    request_helper: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeType:
    """A type of node: its settings and how they are read, its edges, its output and its code.

    - `summary`: what it is for, in one sentence. `icon`: a name in `workflows.picture.icons`.
    - `docs`: its page, relative to the documentation, or the address of a custom type's page.
    - `fields`: the settings that nodes have; others cause a warning.
    - `example`: the settings of a new node; use `new_data` to get a copy.
    - `about`: what a node is about, for its label: its condition, its duration, its URL.
    - `emit` writes the node itself; `callback` writes the function that its durable step runs.
    - `output`: the TypeScript type of its value, INFERRED from the callback, None without a value.
    - `calls`: the other Worker that a node calls.
    - `bindings`: the bindings that the settings of a node name.
    - `breaks`: for a type that ends a loop or the run: whether a node always does.
    - `max_wait`: how long a node waits at most.
    - `step_count`: how many durable steps a node takes; by default one if it has a callback.
    - `step_suffixes`: what its steps are called after the node's name.
    - `has_output`: for a type with several steps: whether a step, by its suffix and its result, has the
      output of the node.
    - `pinned`: for such a type: the results of its steps if its output is pinned, by their suffixes.
    - `receives_event`: whether a node waits for an event, whose payload is then what is pinned.
    - `returned_code`: the path of code whose value is a part of an output that is not INFERRED.
    - `request_count`: how many requests a node sends at most.
    - `warning`: a warning for every node of the type.
    """

    name: str
    title: str
    category: Category
    summary: str
    docs: str
    read: Callable[[Reader], Any]
    emit: Emit
    fields: tuple[SettingField, ...] = ()
    example: Mapping[str, Any] = field(default_factory=dict, hash=False)
    about: Callable[[Any], str] | None = None
    icon: str = "custom"
    container: Container | None = None
    output: str | None = None
    callback: Emit | None = None
    calls: Callable[[Any], Call | None] | None = None
    bindings: Callable[[Any], Iterable[BoundName]] | None = None
    breaks: Callable[[Any], bool] | None = None
    max_wait: Callable[[Any], Duration | None] | None = None
    step_count: Callable[[Any], int] | None = None
    step_suffixes: tuple[str, ...] = ("",)
    has_output: Callable[[str, Any], bool] | None = None
    pinned: Callable[[Any], Mapping[str, Any]] | None = None
    receives_event: bool = False
    returned_code: str = ""
    request_count: Callable[[Any], int] | None = None
    custom: Custom | None = None
    warning: str = ""
    version: str = "1.0.0"
    provider: str = "cloudflare"

    def new_data(self) -> dict[str, Any]:
        """Return the settings of a new node, which are valid."""
        return deepcopy(dict(self.example))

    def is_output(self, suffix: str, result: Any) -> bool:
        """Return whether a step of a node has the output of the node."""
        if self.has_output:
            return self.has_output(suffix, result)
        return self.step_suffixes == ("",)

    def pinned_results(self, output: Any) -> Mapping[str, Any]:
        """Return the results of the steps of a node whose output is pinned, by their suffixes."""
        return self.pinned(output) if self.pinned else {"": output}

    def parameters_at(self, path: str) -> tuple[Parameter, ...]:
        """Return the names that only the code at a path, such as `data.rollback`, can use."""
        holder, _, name = path.partition(".")
        fields = self.fields if holder == "data" else ()
        return next((field.parameters for field in fields if field.name == name), ())
