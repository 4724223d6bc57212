"""What the pipeline is given, and what it asks of the world outside.

Every method of Tools raises DeployError where a person can mend it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from deployments.cloudflare import naming
from deployments.cloudflare.bindings import Variable
from workflows.codegen.bindings import BindingKind
from workflows.codegen.module import GeneratedModule
from workflows.ir.kinds import SCRIPT, kind_of


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployRequest:
    """All that one deployment puts on its target; `bindings` are the declared ones, by name.

    `node_types` are the definitions and templates of the custom types that the document uses.
    `former_queues` are those whose messages the Worker may take since an earlier deployment.
    """

    ir: Any
    entry_code: str
    dependencies: Mapping[str, str]
    class_name: str
    worker_name: str
    variables: Mapping[str, Variable]
    bindings: Mapping[str, str] = field(default_factory=dict)
    node_types: Sequence[Mapping[str, Any]] = ()
    former_queues: frozenset[str] = frozenset()

    @property
    def id(self) -> str:
        """The workflow's public id."""
        return naming.workflow_id(self.worker_name)

    @property
    def is_script(self) -> bool:
        """A script is a Worker alone: it has no Workflow."""
        return kind_of(self.ir) == SCRIPT

    def node_name(self, node_id: str) -> str:
        """Return what people call the node; the document may be any that was ever saved."""
        nodes = self.ir.get("nodes", []) if isinstance(self.ir, dict) and node_id else []
        mine = (one for one in nodes if isinstance(one, dict) and one.get("id") == node_id)
        return next((str(one.get("name", "")) for one in mine), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the target says about a Worker before it is touched.

    `provides` are the kinds of resources that the target makes by itself, `lacks` the kinds of
    bindings that it does not have at all.
    """

    worker_url: str
    dashboard_url: str
    live_version: str
    secret_names: frozenset[str] = frozenset()
    provides: frozenset[BindingKind] = frozenset()
    lacks: frozenset[BindingKind] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Callee:
    """Another Worker, as the target knows it and, where it is one of ours, the product.

    `workflow` and `class_name` are those of its Workflow on the target; "" where it has none.
    """

    worker: str
    is_deployed: bool
    workflow: str = ""
    class_name: str = ""
    our_name: str = ""
    our_kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What is written into the deploy's directory; secrets leave it with the directory."""

    script: str
    config: Mapping[str, Any]
    dependencies: Mapping[str, str]
    secrets: Mapping[str, str]


class Tools(Protocol):
    """The outside world of a deploy."""

    @property
    def wrangler_version(self) -> str: ...

    def inspect(self, request: DeployRequest) -> Site:
        """Verify the credentials and look at the Worker's place on the target."""

    def compile(self, module: GeneratedModule, dependencies: Iterable[str]) -> str:
        """Type-check the module and return its JavaScript."""

    def callee(self, worker: str, class_name: str) -> Callee:
        """Look up one of our workflows by its id, or any Worker by its name.

        `class_name` says which Workflow of any Worker is meant; nothing is changed.
        """

    def exists(self, kind: BindingKind, resource: str) -> bool:
        """Tell whether the target has the resource that a person named."""

    def provide(self, kind: BindingKind, name: str) -> str:
        """Find or make the resource of this name; return what a binding calls it by."""

    def consumers(self, queue: str) -> frozenset[str] | None:
        """Return the Workers that take the queue's messages; None where there is no such queue."""

    def stop_consuming(self, queue: str, worker: str) -> None:
        """Have the Worker take no more messages of the queue, if it does."""

    def workspace(self) -> AbstractContextManager[Path]:
        """A private directory that is gone afterwards, however that comes."""

    def write(self, folder: Path, bundle: Bundle) -> None:
        """Write worker.js, wrangler.json and the rest; install npm packages where there are any."""

    def upload(self, folder: Path, request: DeployRequest) -> str:
        """Deploy with wrangler unless a newer deployment is there; return the new version's id."""

    def live_version(self, worker: str) -> str:
        """Ask the target which version takes all requests; "" where none does."""
