"""The deploy as one generator of stages: the table of contents of the product.

It knows no database and no framework. Whoever runs it writes down what it yields; what it needs of
the outside it asks of `Tools`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from deployments.cloudflare.wrangler_config import wrangler_config
from deployments.detection import Env, detect
from deployments.errors import CodeError, DeployError, Finding
from deployments.ports import Bundle, DeployRequest, Tools
from deployments.stages import Stage
from workflows.codegen.from_document import module_of
from workflows.codegen.module import GeneratedModule
from workflows.codegen.module_settings import module_settings
from workflows.ir.problems import InvalidIR, Problem
from workflows.nodes.custom import registry

_MOST_WARNINGS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A stage that begins, and what has become known of the deployment by then."""

    stage: Stage
    facts: Mapping[str, Any] = field(default_factory=dict)


def run(request: DeployRequest, tools: Tools) -> Generator[Progress, None, None]:
    """Yield each stage as it begins; raise DeployError where one cannot finish."""
    yield Progress(stage=Stage.INITIALIZING, facts={"wrangler_version": tools.wrangler_version})
    site = tools.inspect(request)

    yield Progress(stage=Stage.GENERATING_CODE, facts={"live_before": site.live_version})
    module = _generate(request)
    script = _compile(module, request, tools)

    yield Progress(stage=Stage.CODE_READY, facts=_about(module, script, request=request))

    yield Progress(stage=Stage.DETECTING_BINDINGS)
    env = detect(module, request, site=site, tools=tools)

    yield Progress(stage=Stage.BINDINGS_READY, facts=_env(env))
    bundle = _bundle(request, script, env=env, module=module)

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
    for queue in sorted(request.former_queues - {module.trigger.queue}):
        tools.stop_consuming(queue, request.worker_name)

    yield Progress(stage=Stage.COMPLETED)


def _generate(request: DeployRequest) -> GeneratedModule:
    settings = module_settings(request, request.variables)
    try:
        return module_of(request.ir, settings, registry(request.node_types))
    except InvalidIR as invalid:
        raise DeployError.listing(
            "The workflow cannot be deployed as it is:",
            [_finding(problem, request) for problem in invalid.problems],
        ) from None


def _finding(problem: Problem, request: DeployRequest) -> Finding:
    name = request.node_name(problem.node_id)
    return Finding(
        message=problem.message, node_id=problem.node_id, node_name=name, path=problem.path
    )


def _compile(module: GeneratedModule, request: DeployRequest, tools: Tools) -> str:
    try:
        return tools.compile(module, module.dependencies)
    except CodeError as refused:
        named = [
            replace(finding, node_name=request.node_name(finding.node_id))
            for finding in refused.findings
        ]
        raise DeployError.listing("The code has type errors:", named) from None


def _about(module: GeneratedModule, script: str, *, request: DeployRequest) -> dict[str, Any]:
    data = script.encode()
    digest = hashlib.sha256(data).hexdigest()
    warnings = [_finding(problem, request).as_row() for problem in module.problems[:_MOST_WARNINGS]]
    return {
        "source": module.source,
        "script_size": len(data),
        "script_hash": digest,
        "warnings": warnings,
    }


def _env(env: Env) -> dict[str, Any]:
    return {
        "variables": dict(env.variables),
        "secret_names": sorted(env.secrets),
        "variable_origins": dict(env.origins),
        "resources": [
            {"name": one.name, "kind": one.kind.value, "resource": one.resource}
            for one in env.bindings
        ],
    }


def _bundle(request: DeployRequest, script: str, *, env: Env, module: GeneratedModule) -> Bundle:
    config = wrangler_config(
        worker_name=request.worker_name,
        variables=env.variables,
        bindings=env.bindings,
        trigger=module.trigger,
        bundled=bool(module.dependencies),
    )
    return Bundle(
        script=script, config=config, dependencies=module.dependencies, secrets=env.secrets
    )


def _confirm(version: str, live: str) -> str:
    if version != live:
        raise DeployError(
            f"wrangler uploaded version {version}, but the target says that "
            f"{live or 'no version'} is live. Somebody else may have deployed this Worker in the "
            "same moment: look at it on the target, then deploy again."
        )
    return live
