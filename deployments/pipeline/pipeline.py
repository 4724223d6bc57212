"""The deploy as a generator of stages.

It depends on no database or framework: the caller records what it yields, and `Tools` gives access
to everything outside.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any, Final

from deployments.pipeline import site_checks
from deployments.pipeline.binding_detection import detect
from deployments.pipeline.built_code import build_code, bundle_of
from deployments.pipeline.ports import DeployRequest, Progress, Tools
from deployments.pipeline.stages import Stage
from deployments.pipeline.trigger_reconciler import confirm_upload, reconcile
from deployments.pipeline.worker_limits import check_limits
from targets.cloudflare.errors import DeployError, Finding
from targets.cloudflare.worker_parts import parse_triggers

_MAX_WARNINGS: Final = 100


def run(request: DeployRequest, tools: Tools) -> Generator[Progress, None, None]:
    """Yield each stage as it starts; raises DeployError if one fails."""
    yield Progress(stage=Stage.INITIALIZING, facts={"wrangler_version": tools.wrangler_version})
    site = tools.inspect(request)
    warnings = _passed(site_checks.check_site(request, site))

    yield Progress(stage=Stage.GENERATING_CODE, facts={"live_before": site.live_version})
    built = build_code(request, tools)
    warnings += built.warnings

    facts = {**built.facts, "warnings": _rows(warnings)}
    yield Progress(stage=Stage.CODE_READY, facts=facts)

    yield Progress(stage=Stage.DETECTING_BINDINGS)
    env = detect(built.needs, request, site=site, tools=tools)

    yield Progress(stage=Stage.BINDINGS_READY, facts=env.facts)
    bundle = bundle_of(built, request, env)
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
    live = confirm_upload(upload, request, expected=expected, tools=tools)

    yield Progress(stage=Stage.UPDATING_WORKFLOW, facts={"live_version": live})
    parts = reconcile(request, expected, tools=tools, upload_error=upload.error)

    yield Progress(stage=Stage.COMPLETED, facts={"parts": [part.as_row() for part in parts]})


def _passed(findings: list[Finding]) -> list[Finding]:
    """Return the findings if all are warnings; raises DeployError with all of them otherwise."""
    error = next((finding for finding in findings if not finding.is_warning), None)
    if error:
        raise DeployError.listing(site_checks.HEADLINE, findings, cause=error.cause)
    return findings


def _rows(warnings: list[Finding]) -> list[dict[str, Any]]:
    return [finding.as_row() for finding in warnings[:_MAX_WARNINGS]]
