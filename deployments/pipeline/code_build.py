"""Build the code: generate the module, compile it, and bundle it for wrangler."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from deployments.pipeline.binding_detection import Env
from deployments.pipeline.config.wrangler_config import PROJECT_MAIN, wrangler_config
from deployments.pipeline.errors import CodeError
from deployments.pipeline.ports import Bundle, CompiledCode, DeployRequest, Tools
from targets.cloudflare.errors import Cause, DeployError, Finding
from workflows.codegen.module.generate import GeneratedModule
from workflows.codegen.module.module_settings import module_settings
from workflows.compilation.from_document import generate_from_document
from workflows.ir.document.triggers import Trigger
from workflows.ir.reading.problems import InvalidIR, Problem
from workflows.nodes.library.registry import registry


def generate(request: DeployRequest) -> GeneratedModule:
    """Generate the module; raises DeployError with every problem in the document."""
    settings = module_settings(request, request.variables)
    if not request.hides_secrets:
        settings = replace(settings, secrets=frozenset())
    try:
        return generate_from_document(request.ir, settings, registry(request.node_types))
    except InvalidIR as invalid:
        raise DeployError.listing(
            "The workflow has problems that must be fixed before it can be deployed:",
            [as_finding(problem, request) for problem in invalid.problems],
            cause=Cause.CODE,
        ) from None


def as_finding(problem: Problem, request: DeployRequest) -> Finding:
    """Return a problem in the document as a finding of the deployment."""
    name = request.node_name(problem.node_id)
    return Finding(
        message=problem.message, node_id=problem.node_id, node_name=name, path=problem.path
    )


def compile_module(module: GeneratedModule, request: DeployRequest, tools: Tools) -> CompiledCode:
    """Compile the module to JavaScript; raises DeployError with every mistake and its node."""
    try:
        compiled = tools.compile(module, module.dependencies)
    except CodeError as error:
        named = _named(error.findings, request)
        raise DeployError.listing("The code has type errors:", named, cause=Cause.CODE) from None
    return replace(compiled, warnings=tuple(_named(compiled.warnings, request)))


def _named(findings: Iterable[Finding], request: DeployRequest) -> list[Finding]:
    """Add the names of the nodes."""
    return [replace(finding, node_name=request.node_name(finding.node_id)) for finding in findings]


def _options(request: DeployRequest) -> dict[str, Any]:
    """Return what is added to the configuration of a project's Worker.

    By its rules, wrangler knows the types of the modules that are uploaded with the code.
    """
    if request.project is None:
        return {}
    rules = request.project.bundling.get("rules")
    options = {**request.project.worker_options, "main": PROJECT_MAIN}
    return options | ({"rules": rules} if rules else {})


def build_bundle(
    request: DeployRequest,
    script: str,
    *,
    env: Env,
    trigger: Trigger,
    dependencies: Mapping[str, str],
    modules: Mapping[str, bytes] = MappingProxyType({}),
) -> Bundle:
    """Return what is written to the directory of the deploy."""
    config = wrangler_config(
        worker_name=request.worker_name,
        variables=env.variables,
        bindings=env.bindings,
        trigger=trigger,
        settings=request.settings,
        options=_options(request),
    )
    return Bundle(
        script=script,
        config=config,
        dependencies=dependencies,
        secrets=env.secrets,
        modules=modules,
    )
