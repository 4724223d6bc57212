"""The code of a deploy: generated from a document, or bundled from the files of a project."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from deployments.pipeline import project_build
from deployments.pipeline.binding_detection import Env
from deployments.pipeline.code_build import as_finding, build_bundle, compile_module, generate
from deployments.pipeline.env_needs import EnvNeeds, needs_of_module, needs_of_project
from deployments.pipeline.ports import Bundle, DeployRequest, Tools
from targets.cloudflare.errors import Finding
from workflows.ir.document.triggers import Trigger

_NO_TRIGGER: Final = Trigger(kind="manual")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltCode:
    """The main module, and what it needs; `source` is the generated TypeScript, "" for a project.

    `modules` are uploaded next to it. `dependencies` are npm packages that are not bundled yet.
    """

    script: str
    needs: EnvNeeds
    source: str = ""
    modules: Mapping[str, bytes] = field(default_factory=dict)
    dependencies: Mapping[str, str] = field(default_factory=dict)
    trigger: Trigger = _NO_TRIGGER
    warnings: tuple[Finding, ...] = ()

    @property
    def facts(self) -> dict[str, Any]:
        """What is recorded about the code."""
        data = self.script.encode()
        digest = hashlib.sha256(data)
        for name, content in sorted(self.modules.items()):
            digest.update(b"\0" + name.encode() + b"\0" + content)
        return {
            "source": self.source,
            "script_size": len(data) + sum(map(len, self.modules.values())),
            "script_hash": digest.hexdigest(),
        }


def build_code(request: DeployRequest, tools: Tools) -> BuiltCode:
    """Build the code; raises DeployError with every mistake and where it is."""
    if request.project is not None:
        return _of_project(request, tools)
    module = generate(request)
    compiled = compile_module(module, request, tools)
    problems = (as_finding(each, request) for each in module.problems)
    return BuiltCode(
        script=compiled.script,
        needs=needs_of_module(module, request),
        source=module.source,
        dependencies=module.dependencies,
        trigger=module.trigger,
        warnings=(*problems, *compiled.warnings),
    )


def bundle_of(built: BuiltCode, request: DeployRequest, env: Env) -> Bundle:
    """Return what is written to the directory of the deploy."""
    return build_bundle(
        request,
        built.script,
        env=env,
        trigger=built.trigger,
        dependencies=built.dependencies,
        modules=built.modules,
    )


def _of_project(request: DeployRequest, tools: Tools) -> BuiltCode:
    project, warnings = project_build.readable(request)
    compiled = project_build.compile_project(request, tools)
    needs = needs_of_project(project, request)
    notes = [finding for finding in needs.findings if finding.is_warning]
    return BuiltCode(
        script=compiled.script,
        needs=needs,
        modules=compiled.modules,
        warnings=(*warnings, *notes, *compiled.warnings),
    )
