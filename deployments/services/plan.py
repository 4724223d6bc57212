"""Runs checks and plans before a deployment, for the pages and the commands."""

from __future__ import annotations

from functools import partial

from deployments.history import records
from deployments.models import Deployment, DriftCheck
from deployments.pipeline import check_report
from deployments.pipeline import plan as planning
from deployments.pipeline.adapters.dry_run_tools import DryRunTools, refuse_writes
from deployments.pipeline.adapters.remote_tools import Hooks
from deployments.pipeline.check_report import Check
from deployments.pipeline.plan import LiveRecord, Plan
from deployments.pipeline.stages import Action
from deployments.queue import request_factory, runner
from deployments.services.deploy import draft_deployment
from deployments.services.required_tests import Results
from targets.cloudflare.errors import DeployError, Finding
from targets.lookup import account_of
from targets.models import Target
from targets.policy import Consent
from toolchain.redaction import redact
from workflows.compilation.typescript import SCRATCH_PREFIX
from workflows.draft_problems import draft_problems
from workflows.masked_values import masked_values
from workflows.models import Workflow

_NO_CONSENT = Consent()


def plan(
    workflow: Workflow,
    target: Target,
    *,
    consent: Consent = _NO_CONSENT,
    snapshot: Deployment | None = None,
) -> Plan:
    """Return what deploying the newest version, or an earlier snapshot, would change."""
    try:
        draft = _draft(workflow, target, consent, snapshot)
        tools = _tools(draft, target)
        request = request_factory.deploy_request(draft)
    except DeployError as refused:
        return Plan(
            findings=(Finding(message=str(refused), cause=refused.cause),), failed_at="INITIALIZING"
        )
    record = _known(workflow, target, request.known_version)
    hide = partial(redact, secrets=masked_values(workflow.pk))
    return planning.make_plan(request, tools, record=record).masked(hide)


def _known(workflow: Workflow, target: Target, version: str) -> LiveRecord:
    live = records.live(workflow.pk, target)
    if live is None or _is_adopted(version):
        return LiveRecord()
    return LiveRecord(
        script_hash=live.script_hash,
        config=records.record_of(live).config,
        dependencies=live.dependencies,
    )


def _is_adopted(version: str) -> bool:
    """Return whether the live version was adopted, so that the record does not have its code."""
    return bool(version) and DriftCheck.objects.filter(adopted_version=version).exists()


def preflight(
    workflow: Workflow,
    target: Target,
    *,
    consent: Consent = _NO_CONSENT,
    snapshot: Deployment | None = None,
    tests: Results | None = None,
) -> list[Check]:
    """Return the result of every check of what `plan` would deploy; `tests` are those it requires."""
    draft = _draft(workflow, target, consent, snapshot)
    tested = [_tests_check(tests, consent)] if tests else []
    try:
        request = request_factory.deploy_request(draft)
        tools = _tools(draft, target)
    except DeployError as refused:
        return [*check_report.checks_for_error(refused), *tested]
    return [*check_report.run_checks(request, tools), *tested]


def _tests_check(tests: Results, consent: Consent) -> Check:
    findings = tests.findings(is_overridden=bool(consent.tests_reason.strip()))
    return check_report.check_of(check_report.TESTS, findings)


def code_check(workflow: Workflow) -> Check:
    """Return the check of the draft's code, which needs no target."""
    findings = [
        Finding(
            message=problem.message,
            node_id=problem.node_id,
            path=problem.path,
            is_warning=not problem.is_error,
        )
        for problem in draft_problems(workflow)
    ]
    return check_report.check_of(check_report.CODE, findings)


def _draft(
    workflow: Workflow, target: Target, consent: Consent, snapshot: Deployment | None
) -> Deployment:
    if snapshot:
        return records.copy_of(snapshot, Action.DEPLOY, overwrite=consent.overwrite)
    draft = draft_deployment(workflow, target)
    draft.overwrite = consent.overwrite
    return draft


def _tools(draft: Deployment, target: Target) -> DryRunTools:
    hooks = Hooks(
        program_started=lambda _pid: None,
        program_ended=lambda _ran: None,
        before_write=refuse_writes,
    )
    return runner.tools_for(
        DryRunTools, account_of(target), hooks, name=f"{SCRATCH_PREFIX}{draft.target_id}"
    )
