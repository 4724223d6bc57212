"""The pipeline's input, and its interfaces to the outside.

Every method of Tools raises DeployError for problems that a user can fix.
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
from targets.cloudflare.errors import Finding
from targets.cloudflare.worker_parts import Part, Triggers, parse_triggers
from targets.cloudflare.zones import DomainSite, RouteSite
from workflows.codegen.module.generate import GeneratedModule
from workflows.documents.projects.config import ProjectConfig
from workflows.documents.projects.files import ProjectFiles
from workflows.ir.deploy.deploy_settings import DeploySettings
from workflows.ir.document.kinds import SCRIPT, kind_of
from workflows.ir.reading.bindings import BindingKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The start of a stage, with facts about the deployment to record."""

    stage: Stage
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The record of an earlier deployment; `number` is its id, `config` its wrangler.json.

    `resources` are its bindings, each with a name, kind and resource.
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
    """The input of a deploy; `bindings` are the declared ones, by name.

    `node_types` are the definitions and templates of the custom types that the document uses.
    `previous_triggers` are all that earlier deployments may have left. `known_version` is the live
    version according to our records, `known_tags` are the tags of versions that we have uploaded.
    `overwrite` says that changes made on the target by others may be lost. `hides_secrets` says that
    steps hide their outputs if their code reads a secret. A project has `files`, and `project`, which
    is its configuration.
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
    hides_secrets: bool = True
    files: ProjectFiles = field(default_factory=dict)
    project: ProjectConfig | None = None

    @property
    def id(self) -> str:
        """The workflow's public id."""
        return naming.workflow_id(self.worker_name)

    @property
    def is_script(self) -> bool:
        """Whether it is a script: a Worker without a Workflow."""
        return kind_of(self.ir) == SCRIPT

    @property
    def workflows(self) -> dict[str, str]:
        """The classes of the Worker's own Workflows, by name."""
        if self.project is not None:
            return {each.name: each.class_name for each in self.project.workflows}
        return {} if self.is_script else {self.worker_name: self.class_name}

    @property
    def jurisdictions(self) -> dict[str, str]:
        """Where the Worker's own Workflows should run, by name; "" is anywhere."""
        if self.project is not None:
            settings = {each.name: each.settings for each in self.project.workflows}
            return {name: str(each.get("jurisdiction", "")) for name, each in settings.items()}
        return dict.fromkeys(self.workflows, self.settings.workflow.jurisdiction)

    def node_name(self, node_id: str) -> str:
        """Return the node's name, or ""; the document may be invalid."""
        nodes = self.ir.get("nodes", []) if isinstance(self.ir, dict) and node_id else []
        matches = (node for node in nodes if isinstance(node, dict) and node.get("id") == node_id)
        return next((str(node.get("name", "")) for node in matches), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The state of a Worker on the target before a deploy.

    `source` is how the live version was deployed: "wrangler", "api" or "dash"; `split` holds
    percentages by version in a gradual rollout. `workflow_owners` are the Workers that have the names
    of our Workflows, and `workflow_jurisdictions` is where these run, by name. `creatable` are the kinds
    of resources that are created automatically,
    `unsupported` the kinds of bindings that the target does not have.
    """

    worker_url: str
    dashboard_url: str
    live_version: str
    source: str = ""
    live_tag: str = ""
    split: Mapping[str, float] = field(default_factory=dict)
    workflow_owners: Mapping[str, str] = field(default_factory=dict)
    workflow_jurisdictions: Mapping[str, str] = field(default_factory=dict)
    has_subdomain: bool = True
    routes: tuple[RouteSite, ...] = ()
    domains: tuple[DomainSite, ...] = ()
    secret_names: frozenset[str] = frozenset()
    creatable: frozenset[BindingKind] = frozenset()
    unsupported: frozenset[BindingKind] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Callee:
    """Another Worker, on the target and (`our_name`, `our_kind`) among our workflows.

    `workflow` and `class_name` describe its Workflow on the target; "" if it has none, or if it has
    several and none was named: then `classes` are theirs.
    """

    worker: str
    is_deployed: bool
    workflow: str = ""
    class_name: str = ""
    our_name: str = ""
    our_kind: str = ""
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The files of the deploy's directory, which is deleted afterwards with the secrets in it.

    `modules` are written next to the script.
    """

    script: str
    config: Mapping[str, Any]
    dependencies: Mapping[str, str]
    secrets: Mapping[str, str]
    modules: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A version that wrangler made live; `error` says what failed after the upload, or ""."""

    version: str
    error: str = ""


class Remote(Protocol):
    """Reads and changes one Worker's triggers on the target.

    Every write first checks that this process still holds the deployment.
    """

    def live_version(self, worker: str) -> str:
        """Return the version that serves all requests on the target; "" if none does."""

    def exists(self, kind: BindingKind, resource: str) -> bool:
        """Return whether the target has the resource."""

    def triggers(self, worker: str, scope: Triggers) -> Triggers:
        """Return the Worker's triggers; only the zones, queues and Workflows of `scope` are read."""

    def apply(self, worker: str, part: Part, expected: Triggers) -> None:
        """Set the part to its expected state."""

    def remove(self, worker: str, part: Part, previous: Triggers) -> None:
        """Remove the part, which is one of `previous`, unless another Worker has it."""


class Resources(Protocol):
    """Looks up and creates the resources of bindings."""

    def exists(self, kind: BindingKind, resource: str) -> bool:
        """Return whether the target has the resource."""

    def callee(self, worker: str, class_name: str) -> Callee:
        """Look up one of our workflows by id, or any Worker by name and class of its Workflow."""

    def provide(self, kind: BindingKind, name: str) -> str:
        """Find or create the resource with this name, and return its id for the binding."""

    def consumers(self, queue: str) -> frozenset[str] | None:
        """Return the Workers that consume the queue; None if there is no such queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledCode:
    """The JavaScript of a module, and the complaints that do not prevent a deploy."""

    script: str
    warnings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledProject:
    """The bundled main module of a project, and the modules next to it by name."""

    script: str
    modules: Mapping[str, bytes] = field(default_factory=dict)
    warnings: tuple[Finding, ...] = ()


class Tools(Remote, Resources, Protocol):
    """Everything outside that a deploy needs."""

    @property
    def wrangler_version(self) -> str: ...

    def inspect(self, request: DeployRequest) -> Site:
        """Verify the credentials and read the Worker's state on the target."""

    def compile(self, module: GeneratedModule, dependencies: Iterable[str]) -> CompiledCode:
        """Type-check the module and return its JavaScript; raises CodeError for mistakes."""

    def compile_project(self, request: DeployRequest) -> CompiledProject:
        """Type-check and bundle the files of a project; raises CodeError for mistakes."""

    def workspace(self) -> AbstractContextManager[Path]:
        """Provide a private directory that is always deleted afterwards."""

    def write(self, folder: Path, bundle: Bundle) -> None:
        """Write worker.js, wrangler.json and the secrets; install the npm packages."""

    def upload(self, folder: Path, request: DeployRequest, site: Site) -> Upload:
        """Deploy with wrangler; raises DeployError if no new version went live."""


class ChangeTools(Remote, Protocol):
    """Everything outside that a change to a deployed Worker needs."""

    def verify(self) -> None:
        """Raise DeployError unless the target accepts the credentials."""

    def has_worker(self, worker: str) -> bool:
        """Return whether there is a Worker with this name."""

    def check_can_apply(self, worker: str, part: Part, expected: Triggers) -> None:
        """Raise DeployError if another Worker has the part, or its zone or queue does not exist."""

    def make_live(self, worker: str, version: str) -> None:
        """Send all requests to the version; raises DeployError if the target refuses."""

    def secret_names(self, worker: str) -> frozenset[str]:
        """Return the names of the Worker's secrets."""

    def version_secrets(self, worker: str, version: str) -> frozenset[str] | None:
        """Return the names of the version's secrets; None if the target no longer has it."""

    def newest_version(self, worker: str) -> str:
        """Return the version that was created last, live or not."""

    def delete_secrets(self, worker: str, names: Iterable[str]) -> None:
        """Delete all of the secrets or none."""

    def bound_workers(self, worker: str) -> frozenset[str]:
        """Return the other Workers that are bound to this one."""

    def workflows(self, worker: str) -> frozenset[str]:
        """Return the names of the Workflows that the Worker runs."""

    def delete_workflow(self, name: str) -> None:
        """Delete the Workflow with its runs, if it exists."""

    def delete_worker(self, worker: str) -> None:
        """Delete the Worker, if it exists."""
