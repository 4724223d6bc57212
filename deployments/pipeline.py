"""The deploy as one generator of stages: the table of contents of the product.

It knows no database and no framework. Whoever runs it writes down what it yields; what it needs of
the outside it asks of `Tools`. Every method of those raises DeployError where a person can mend it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from deployments.cloudflare import bindings
from deployments.cloudflare.bindings import Binding, Plan, Variable
from deployments.cloudflare.wrangler_config import wrangler_config
from deployments.errors import CodeError, DeployError, Finding
from deployments.stages import Stage
from workflows.codegen.bindings import BINDING_ID, OWN_WORKFLOW, BindingKind
from workflows.codegen.module import GeneratedModule, ModuleSettings, generate
from workflows.ir.problems import InvalidIR, Problem
from workflows.ir.validate import parse_valid


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployRequest:
    """All that one deployment puts on its target."""

    ir: Any
    entry_code: str
    dependencies: Mapping[str, str]
    class_name: str
    worker_name: str
    variables: Mapping[str, Variable]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A stage that begins, and what has become known of the deployment by then."""

    stage: Stage
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the target says about a Worker before it is touched."""

    worker_url: str
    dashboard_url: str
    live_version: str
    secret_names: frozenset[str] = frozenset()


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

    def provide(self, worker: str, name: str, kind: BindingKind) -> str | None:
        """Find or make a resource for a binding without an id; None where the target does not."""

    def workspace(self) -> AbstractContextManager[Path]:
        """A private directory that is gone afterwards, however that comes."""

    def write(self, folder: Path, bundle: Bundle) -> None:
        """Write worker.js, wrangler.json and the rest; install npm packages where there are any."""

    def upload(self, folder: Path, request: DeployRequest) -> str:
        """Deploy with wrangler unless a newer deployment is there; return the new version's id."""

    def live_version(self, worker: str) -> str:
        """Ask the target which version takes all requests; "" where none does."""


def run(request: DeployRequest, tools: Tools) -> Generator[Progress, None, None]:
    """Yield each stage as it begins; raise DeployError where one cannot finish."""
    yield Progress(stage=Stage.INITIALIZING, facts={"wrangler_version": tools.wrangler_version})
    site = tools.inspect(request)

    yield Progress(stage=Stage.GENERATING_CODE, facts={"live_before": site.live_version})
    module = _generate(request)
    script = _compile(module, request, tools)

    yield Progress(stage=Stage.CODE_READY, facts=_about(module, script))

    yield Progress(stage=Stage.DETECTING_BINDINGS)
    found = bindings.plan(_kinds(module), request.variables)
    _check_names(found, site)
    resources = _resources(found, request, tools)

    yield Progress(stage=Stage.BINDINGS_READY, facts=_env(found))
    bundle = _bundle(request, script, found, resources)

    with tools.workspace() as folder:
        written = json.dumps(bundle.config, indent=2, ensure_ascii=False)
        yield Progress(stage=Stage.CREATING_WORKER, facts={"wrangler_json": written})
        tools.write(folder, bundle)

        yield Progress(stage=Stage.DEPLOYING)
        version = tools.upload(folder, request)

    yield Progress(stage=Stage.WORKER_DEPLOYED, facts={"version_id": version, "uploaded": "yes"})
    live = _confirm(version, tools.live_version(request.worker_name))

    addresses = {"worker_url": site.worker_url, "dashboard_url": site.dashboard_url}
    yield Progress(stage=Stage.UPDATING_WORKFLOW, facts={"live_version": live, **addresses})

    yield Progress(stage=Stage.COMPLETED)


def _generate(request: DeployRequest) -> GeneratedModule:
    settings = ModuleSettings(
        class_name=request.class_name,
        workflow_binding=OWN_WORKFLOW,
        variables=frozenset(request.variables),
        bindings={},
        entry_code=request.entry_code,
        dependencies=request.dependencies,
    )
    try:
        return generate(parse_valid(request.ir), settings)
    except InvalidIR as invalid:
        raise DeployError.listing(
            "The workflow cannot be deployed as it is:",
            [_finding(problem, request.ir) for problem in invalid.problems],
        ) from None


def _finding(problem: Problem, ir: Any) -> Finding:
    name = _node_name(ir, problem.node_id)
    return Finding(
        message=problem.message, node_id=problem.node_id, node_name=name, path=problem.path
    )


def _node_name(ir: Any, node_id: str) -> str:
    """Return what people call the node; the document may be any that was ever saved."""
    nodes = ir.get("nodes", []) if isinstance(ir, dict) and node_id else []
    mine = (one for one in nodes if isinstance(one, dict) and one.get("id") == node_id)
    return next((str(one.get("name", "")) for one in mine), "")


def _compile(module: GeneratedModule, request: DeployRequest, tools: Tools) -> str:
    try:
        return tools.compile(module, request.dependencies)
    except CodeError as refused:
        named = [
            replace(finding, node_name=_node_name(request.ir, finding.node_id))
            for finding in refused.findings
        ]
        raise DeployError.listing("The code has type errors:", named) from None


def _about(module: GeneratedModule, script: str) -> dict[str, Any]:
    data = script.encode()
    digest = hashlib.sha256(data).hexdigest()
    return {"source": module.source, "script_size": len(data), "script_hash": digest}


def _kinds(module: GeneratedModule) -> dict[str, BindingKind | None]:
    return {
        use.name: use.kind if isinstance(use.kind, BindingKind) else None
        for use in module.env_uses
        if use.name != OWN_WORKFLOW
    }


def _resources(found: Plan, request: DeployRequest, tools: Tools) -> tuple[Binding, ...]:
    """Return every binding with its resource, or say everything that is missing at once."""
    missing = [*_unsupported(found), *_unset(found)]
    if missing:
        missing += [_without_id(name, kind) for name, kind in found.without_id]
        raise DeployError.listing("The Worker's env is not complete:", missing)
    provided = {
        (name, kind): tools.provide(request.worker_name, name, kind)
        for name, kind in found.without_id
    }
    missing = [_without_id(name, kind) for (name, kind), found_ in provided.items() if not found_]
    if missing:
        raise DeployError.listing("The Worker's env is not complete:", missing)
    made = [
        Binding(name=name, kind=kind, resource=resource)
        for (name, kind), resource in provided.items()
        if resource
    ]
    return (*found.bound, *made)


def _check_names(found: Plan, site: Site) -> None:
    """wrangler refuses to hide a secret of the Worker behind a variable: say so before it does."""
    if OWN_WORKFLOW in found.origins:
        message = f"{OWN_WORKFLOW} is the Worker's own Workflow: rename the variable."
        raise DeployError.listing(
            "A variable is in the way:", [Finding(message=message, path=OWN_WORKFLOW)]
        )
    hidden = [
        Finding(
            message=f"The Worker has a secret named {name}, and a plain variable of that name "
            "cannot replace it. Mark the variable as secret, give it another name, or delete "
            "the Worker's secret on the target.",
            path=name,
        )
        for name in sorted(site.secret_names & found.variables.keys())
    ]
    if hidden:
        raise DeployError.listing("A variable is in the way of a secret:", hidden)


def _without_id(name: str, kind: BindingKind) -> Finding:
    wanted = f"{name}{BINDING_ID}"
    return Finding(
        message=f"Set the variable {wanted} to the id of the {kind.label} behind env.{name}.",
        path=wanted,
    )


def _unset(found: Plan) -> list[Finding]:
    return [
        Finding(message=f"The code uses env.{name}: set the variable {name}.", path=name)
        for name in found.unset
    ]


def _unsupported(found: Plan) -> list[Finding]:
    return [
        Finding(
            message=f"env.{name} reads as a {kind.label} binding, which cannot be deployed yet. "
            f"If it is a plain value, set the variable {name}; if not, take another name.",
            path=name,
        )
        for name, kind in found.unsupported
    ]


def _env(found: Plan) -> dict[str, Any]:
    return {
        "variables": dict(found.variables),
        "secret_names": sorted(found.secrets),
        "variable_origins": dict(found.origins),
    }


def _bundle(
    request: DeployRequest, script: str, found: Plan, resources: tuple[Binding, ...]
) -> Bundle:
    config = wrangler_config(
        worker_name=request.worker_name,
        class_name=request.class_name,
        variables=found.variables,
        bindings=resources,
        bundled=bool(request.dependencies),
    )
    return Bundle(
        script=script, config=config, dependencies=request.dependencies, secrets=found.secrets
    )


def _confirm(version: str, live: str) -> str:
    if version != live:
        raise DeployError(
            f"wrangler uploaded version {version}, but the target says that "
            f"{live or 'no version'} is live. Somebody else may have deployed this Worker in the "
            "same moment: look at it on the target, then deploy again."
        )
    return live
