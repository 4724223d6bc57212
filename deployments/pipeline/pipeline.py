"""The deploy as a generator of stages.

It depends on no database or framework: the caller records what it yields, and `Tools` gives access
to everything outside.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator
from typing import Any, Final

from deployments.pipeline import site_checks
from deployments.pipeline.binding_detection import Env, detect
from deployments.pipeline.code_build import (
    as_finding,
    build_bundle,
    check_limits,
    compile_module,
    generate,
)
from deployments.pipeline.ports import DeployRequest, Progress, Tools, Upload
from deployments.pipeline.stages import Stage
from deployments.pipeline.trigger_reconciler import confirm_live, reconcile
from targets.cloudflare.errors import Cause, DeployError, Finding
from targets.cloudflare.worker_parts import Triggers, parse_triggers
from workflows.codegen.module.generate import GeneratedModule

_MAX_WARNINGS: Final = 100


def run(request: DeployRequest, tools: Tools) -> Generator[Progress, None, None]:
    """Yield each stage as it starts; raises DeployError if one fails."""
    yield Progress(stage=Stage.INITIALIZING, facts={"wrangler_version": tools.wrangler_version})
    site = tools.inspect(request)
    warnings = _passed(site_checks.check_site(request, site))

    yield Progress(stage=Stage.GENERATING_CODE, facts={"live_before": site.live_version})
    module = generate(request)
    compiled = compile_module(module, request, tools)
    script = compiled.script
    warnings += [*(as_finding(each, request) for each in module.problems), *compiled.warnings]

    yield Progress(stage=Stage.CODE_READY, facts=_code_facts(module, script, warnings))

    yield Progress(stage=Stage.DETECTING_BINDINGS)
    env = detect(module, request, site=site, tools=tools)

    yield Progress(stage=Stage.BINDINGS_READY, facts=_env_facts(env))
    bundle = build_bundle(request, script, env=env, module=module)
    warnings += check_limits(bundle, env)

    with tools.workspace() as folder:
        config = json.dumps(bundle.config, indent=2, ensure_ascii=False)
        facts = {"wrangler_json": config, "warnings": _rows(warnings)}
        yield Progress(stage=Stage.CREATING_WORKER, facts=facts)
        tools.write(folder, bundle)

        yield Progress(stage=Stage.DEPLOYING)
        upload = tools.upload(folder, request, site)

    addresses = {"worker_url": site.worker_url, "dashboard_url": site.dashboard_url}
    facts = {"version_id": upload.version, "uploaded": "yes", **addresses}
    yield Progress(stage=Stage.WORKER_DEPLOYED, facts=facts)
    expected = parse_triggers(bundle.config)
    live = _confirm(upload, request, expected=expected, tools=tools)

    yield Progress(stage=Stage.UPDATING_WORKFLOW, facts={"live_version": live})
    parts = reconcile(request, expected, tools=tools, upload_error=upload.error)

    yield Progress(stage=Stage.COMPLETED, facts={"parts": [part.as_row() for part in parts]})


def _passed(findings: list[Finding]) -> list[Finding]:
    """Return the findings if all are warnings; raises DeployError with all of them otherwise."""
    error = next((finding for finding in findings if not finding.is_warning), None)
    if error:
        raise DeployError.listing(site_checks.HEADLINE, findings, cause=error.cause)
    return findings


def _code_facts(module: GeneratedModule, script: str, warnings: list[Finding]) -> dict[str, Any]:
    data = script.encode()
    return {
        "source": module.source,
        "script_size": len(data),
        "script_hash": hashlib.sha256(data).hexdigest(),
        "warnings": _rows(warnings),
    }


def _rows(warnings: list[Finding]) -> list[dict[str, Any]]:
    return [finding.as_row() for finding in warnings[:_MAX_WARNINGS]]


def _env_facts(env: Env) -> dict[str, Any]:
    return {
        "variables": dict(env.variables),
        "secret_names": sorted(env.secrets),
        "variable_origins": dict(env.origins),
        "resources": [
            {"name": binding.name, "kind": binding.kind.value, "resource": binding.resource}
            for binding in env.bindings
        ],
    }


def _confirm(upload: Upload, request: DeployRequest, *, expected: Triggers, tools: Tools) -> str:
    live = confirm_live(
        upload.version,
        tools,
        request.worker_name,
        expected=expected,
        previous=request.previous_triggers,
        upload_error=upload.error,
    )
    if upload.version != live:
        raise DeployError(
            f"wrangler uploaded version {upload.version}, but the target now serves "
            f"{live or 'no version'}. Someone else may have deployed this Worker at the same time: "
            "check the target, then deploy again.",
            cause=Cause.CHANGED,
        )
    return live
