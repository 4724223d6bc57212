"""The deploy as one generator of stages: the table of contents of the product.

It knows no database and no framework. Whoever runs it writes down what it yields; what it needs of
the outside it asks of `Tools`.
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

_MOST_WARNINGS: Final = 100


def run(request: DeployRequest, tools: Tools) -> Generator[Progress, None, None]:
    """Yield each stage as it begins; raise DeployError where one cannot finish."""
    yield Progress(stage=Stage.INITIALIZING, facts={"wrangler_version": tools.wrangler_version})
    site = tools.inspect(request)
    notes = _passed(site_checks.check_site(request, site))

    yield Progress(stage=Stage.GENERATING_CODE, facts={"live_before": site.live_version})
    module = generate(request)
    script = compile_module(module, request, tools)
    notes += [as_finding(problem, request) for problem in module.problems]

    yield Progress(stage=Stage.CODE_READY, facts=_about(module, script, notes))

    yield Progress(stage=Stage.DETECTING_BINDINGS)
    env = detect(module, request, site=site, tools=tools)

    yield Progress(stage=Stage.BINDINGS_READY, facts=_env(env))
    bundle = build_bundle(request, script, env=env, module=module)
    notes += check_limits(bundle, env)

    with tools.workspace() as folder:
        written = json.dumps(bundle.config, indent=2, ensure_ascii=False)
        yield Progress(
            stage=Stage.CREATING_WORKER, facts={"wrangler_json": written, "warnings": _rows(notes)}
        )
        tools.write(folder, bundle)

        yield Progress(stage=Stage.DEPLOYING)
        upload = tools.upload(folder, request, site)

    addresses = {"worker_url": site.worker_url, "dashboard_url": site.dashboard_url}
    facts = {"version_id": upload.version, "uploaded": "yes", **addresses}
    yield Progress(stage=Stage.WORKER_DEPLOYED, facts=facts)
    wanted = parse_triggers(bundle.config)
    live = _confirm(upload, request, wanted=wanted, tools=tools)

    yield Progress(stage=Stage.UPDATING_WORKFLOW, facts={"live_version": live})
    parts = reconcile(request, wanted, tools=tools, upload_error=upload.error)

    yield Progress(stage=Stage.COMPLETED, facts={"parts": [part.as_row() for part in parts]})


def _passed(findings: list[Finding]) -> list[Finding]:
    """Return the warnings; raises DeployError with everything where one is more than that."""
    if any(not finding.is_warning for finding in findings):
        first = next(finding for finding in findings if not finding.is_warning)
        raise DeployError.listing(site_checks.HEADLINE, findings, cause=first.cause)
    return findings


def _about(module: GeneratedModule, script: str, notes: list[Finding]) -> dict[str, Any]:
    data = script.encode()
    return {
        "source": module.source,
        "script_size": len(data),
        "script_hash": hashlib.sha256(data).hexdigest(),
        "warnings": _rows(notes),
    }


def _rows(notes: list[Finding]) -> list[dict[str, Any]]:
    return [finding.as_row() for finding in notes[:_MOST_WARNINGS]]


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


def _confirm(upload: Upload, request: DeployRequest, *, wanted: Triggers, tools: Tools) -> str:
    live = confirm_live(
        upload.version,
        tools,
        request.worker_name,
        wanted=wanted,
        previous=request.previous_triggers,
        upload_error=upload.error,
    )
    if upload.version != live:
        raise DeployError(
            f"wrangler uploaded version {upload.version}, but the target says that "
            f"{live or 'no version'} is live. Somebody else may have deployed this Worker in the "
            "same moment: look at it on the target, then deploy again.",
            cause=Cause.CHANGED,
        )
    return live
