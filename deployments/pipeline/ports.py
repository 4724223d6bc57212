"""What the pipeline is given, and what it asks of the world outside.

Every method of Tools raises DeployError where a person can mend it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from deployments.pipeline.config.bindings import Variable
from deployments.pipeline.stages import Stage
from targets.cloudflare import naming
from targets.cloudflare.worker_parts import Part, Triggers, parse_triggers
from targets.cloudflare.zones import DomainSite, RouteSite
from workflows.codegen.module.generate import GeneratedModule
from workflows.ir.deploy.deploy_settings import DeploySettings
from workflows.ir.document.kinds import SCRIPT, kind_of
from workflows.ir.reading.bindings import BindingKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A stage that begins, and what has become known of the deployment by then."""

    stage: Stage
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What an earlier deployment put on the target; `number` is its own, `config` its wrangler.json.

    `resources` are its bindings by name, each with its kind and its resource.
    """

    number: int
    version_id: str
    config: Mapping[str, Any]
    resources: Sequence[Mapping[str, str]] = ()

    @property
    def triggers(self) -> Triggers:
        return parse_triggers(self.config)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployRequest:
    """All that one deployment puts on its target; `bindings` are the declared ones, by name.

    `node_types` are the definitions and templates of the custom types that the document uses.
    `previous_triggers` are those that may lead to the Worker since an earlier deployment, `known_version` the version
    that by our records is live, `known_tags` the tags of what our deployments have uploaded. With
    `overwrite` a person has said that changes made at the target by others may be lost.
    """

    ir: Any
    entry_code: str
    dependencies: Mapping[str, str]
    class_name: str
    worker_name: str
    variables: Mapping[str, Variable]
    bindings: Mapping[str, str] = field(default_factory=dict)
    node_types: Sequence[Mapping[str, Any]] = ()
    settings: DeploySettings = field(default_factory=DeploySettings)
    previous_triggers: Triggers = field(default_factory=Triggers)
    known_version: str = ""
    known_tags: frozenset[str] = frozenset()
    overwrite: bool = False

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

    `source` is what put the live version there: "wrangler", "api" or "dash", `live_tag` what it was
    tagged with, `split` the shares of several versions in percent. `workflow_owner` is the Worker
    that has the Workflow's name, `secret_names` what the Worker keeps. `creatable` are the kinds of
    resources that the target makes by itself, `unsupported` the kinds of bindings that it does not have
    at all.
    """

    worker_url: str
    dashboard_url: str
    live_version: str
    source: str = ""
    live_tag: str = ""
    split: Mapping[str, float] = field(default_factory=dict)
    workflow_owner: str = ""
    has_subdomain: bool = True
    routes: tuple[RouteSite, ...] = ()
    domains: tuple[DomainSite, ...] = ()
    secret_names: frozenset[str] = frozenset()
    creatable: frozenset[BindingKind] = frozenset()
    unsupported: frozenset[BindingKind] = frozenset()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A version that wrangler has put live; `error` is what it could not do afterwards, or ""."""

    version: str
    error: str = ""


class Remote(Protocol):
    """What stands around one Worker at the target, to read and to put in order.

    Writes make sure first that this process still holds the deployment.
    """

    def live_version(self, worker: str) -> str:
        """Ask the target which version takes all requests; "" where none does."""

    def exists(self, kind: BindingKind, resource: str) -> bool:
        """Tell whether the target has the resource that a person named."""

    def triggers(self, worker: str, scope: Triggers) -> Triggers:
        """Return what leads to the Worker, as far as the zones and queues of `scope` go."""

    def put(self, worker: str, part: Part, wanted: Triggers) -> None:
        """Make the part what it is meant to be."""

    def remove(self, worker: str, part: Part, previous: Triggers) -> None:
        """Have the part, which is one of `previous`, lead to the Worker no more, if it does."""


class Resources(Protocol):
    """Where bindings find what they stand for."""

    def exists(self, kind: BindingKind, resource: str) -> bool:
        """Tell whether the target has the resource that a person named."""

    def callee(self, worker: str, class_name: str) -> Callee:
        """Look up one of our workflows by its id, or any Worker by its name.

        `class_name` says which Workflow of any Worker is meant; nothing is changed.
        """

    def provide(self, kind: BindingKind, name: str) -> str:
        """Find or make the resource of this name; return what a binding calls it by."""

    def consumers(self, queue: str) -> frozenset[str] | None:
        """Return the Workers that take the queue's messages; None where there is no such queue."""


class Tools(Remote, Resources, Protocol):
    """The outside world of a deploy."""

    @property
    def wrangler_version(self) -> str: ...

    def inspect(self, request: DeployRequest) -> Site:
        """Verify the credentials and look at the Worker's place on the target."""

    def compile(self, module: GeneratedModule, dependencies: Iterable[str]) -> str:
        """Type-check the module and return its JavaScript."""

    def workspace(self) -> AbstractContextManager[Path]:
        """A private directory that is gone afterwards, however that comes."""

    def write(self, folder: Path, bundle: Bundle) -> None:
        """Write worker.js, wrangler.json and the rest; install npm packages where there are any."""

    def upload(self, folder: Path, request: DeployRequest, site: Site) -> Upload:
        """Deploy with wrangler unless a newer deployment is there.

        Raises DeployError where no new version went live.
        """


class ChangeTools(Remote, Protocol):
    """The outside world of a change to a Worker that is already there."""

    def verify(self) -> None:
        """Raise DeployError unless the target takes the credentials."""

    def has_worker(self, worker: str) -> bool:
        """Tell whether there is a Worker of this name."""

    def has_version(self, worker: str, version: str) -> bool:
        """Tell whether the target still has the version."""

    def check_put(self, worker: str, part: Part, wanted: Triggers) -> None:
        """Raise DeployError where the part cannot be put: it is another Worker's, or its place gone."""

    def make_live(self, worker: str, version: str) -> None:
        """Send all requests to the version; raises DeployError where the target refuses."""

    def secret_names(self, worker: str) -> frozenset[str]:
        """Return the names of the secrets that the Worker has now."""

    def newest_version(self, worker: str) -> str:
        """Return the version that was made last, live or not."""

    def delete_secrets(self, worker: str, names: Iterable[str]) -> None:
        """Delete the secrets, all of them or none."""

    def users(self, worker: str) -> frozenset[str]:
        """Return the other Workers that are bound to this one."""

    def workflows(self, worker: str) -> frozenset[str]:
        """Return the names of the Workflows that the Worker runs."""

    def delete_workflow(self, name: str) -> None:
        """Delete the Workflow with its runs; what is gone already is no mistake."""

    def delete_worker(self, worker: str) -> None:
        """Delete the Worker; what is gone already is no mistake."""
