from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from audit.trail import command_line_actor
from deployments.management.deployment_command import (
    DeploymentCommand,
    consent_of,
    earlier_deployment,
    target_of,
    with_option_hint,
)
from deployments.models import Deployment
from deployments.pipeline.check_report import Check
from deployments.pipeline.plan import Change, Plan
from deployments.pipeline.stages import Status
from deployments.presentation.labels import advice
from deployments.presentation.remote_outcome_text import describe_remote_outcome
from deployments.services import plan as plan_service
from deployments.services import required_tests
from deployments.services.deploy import request_deployment, request_snapshot
from targets import policy
from targets.checks.check_state import CheckState
from targets.cloudflare.errors import Cause, DeployError, Finding
from targets.lookup import NoTarget
from targets.models import Target
from toolchain.commands import command
from workflows.models import Workflow
from workflows.services import WorkflowNotFound, get_workflow


class Command(DeploymentCommand):
    help = "Deploy a workflow and print its stages as JSON lines as they start."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("workflow", metavar="ID", help="the workflow's id")
        parser.add_argument("--target", metavar="NAME", help="default: the default target")
        parser.add_argument(
            "--plan", action="store_true", help="show what would change, without deploying"
        )
        parser.add_argument(
            "--json", action="store_true", help="print the plan or the result as JSON"
        )
        parser.add_argument(
            "--snapshot",
            metavar="DEPLOYMENT",
            type=int,
            help="redeploy the snapshot of this deployment to its target",
        )
        parser.add_argument(
            "--overwrite", action="store_true", help="overwrite changes made on the target"
        )
        self.add_consent(parser)
        parser.add_argument(
            "--override-tests",
            metavar="REASON",
            default="",
            help="deploy although required tests fail; the reason is recorded in the audit trail",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["plan"]:
            self._plan(options)
            return
        super().handle(*args, **options)

    def request(self, options: dict[str, Any]) -> Deployment:
        workflow, by = get_workflow(options["workflow"]), command_line_actor()
        consent = consent_of(options)
        if earlier := _snapshot(options, workflow):
            return request_snapshot(earlier, by=by, consent=consent)
        target = target_of(options)
        return request_deployment(workflow, target=target, by=by, consent=consent)

    def wait(self, deployment: Deployment, *, as_json: bool) -> None:
        """Print the stages as JSON lines in any case; --json adds the result."""
        self.prints_result = as_json
        super().wait(deployment, as_json=True)

    def print_result(self, ended: Deployment, *, as_json: bool) -> None:
        if self.prints_result:
            super().print_result(ended, as_json=as_json)
        if ended.state is not Status.SUCCEEDED:
            self.stderr.write(_failure(ended))

    def _plan(self, options: dict[str, Any]) -> None:
        try:
            workflow = get_workflow(options["workflow"])
            earlier = _snapshot(options, workflow)
            target = _own_target(earlier) if earlier else target_of(options)
        except (DeployError, WorkflowNotFound) as refusal:
            raise CommandError(str(refusal)) from None
        consent, by = consent_of(options), command_line_actor()
        tests = None if earlier else required_tests.run_required(workflow, target, by=by)
        checks = plan_service.preflight(
            workflow, target, consent=consent, snapshot=earlier, tests=tests
        )
        plan = plan_service.plan(workflow, target, consent=consent, snapshot=earlier)
        objection = policy.find_refusal(target, workflow, by=by, consent=consent)
        if tests and not objection:
            objection = required_tests.find_refusal(tests, target, by=by, consent=consent)
        if earlier and not objection:
            objection = required_tests.find_snapshot_refusal(earlier, target)
        if objection:
            plan = plan.refused(Finding(message=with_option_hint(objection), cause=Cause.POLICY))
        if options["json"]:
            document = {**plan.as_json(), "checks": [check.as_json() for check in checks]}
            self.stdout.write(json.dumps(document, ensure_ascii=False))
        else:
            self._print_checks(checks, plan)
            self._print_plan(plan)
        if not plan.can_deploy:
            sys.exit(1)

    def _print_checks(self, checks: list[Check], plan: Plan) -> None:
        """Print every check with its findings, then the findings of the plan alone."""
        for check in checks:
            self.stdout.write(f"{_SIGNS[check.state]} {check.name}{_unknown(check)}")
            for finding in check.findings:
                self.stdout.write(f"  {_sign(finding)} {finding}")
        printed = {str(finding) for check in checks for finding in check.findings}
        for finding in plan.findings:
            if str(finding) not in printed:
                self.stdout.write(f"{_sign(finding)} {finding}")

    def _print_plan(self, plan: Plan) -> None:
        if not plan.can_deploy:
            self.stdout.write("A deploy would currently fail, so its changes are unknown.")
            return
        self.stdout.write("A new Worker." if plan.is_new else f"Live now: {plan.live_version}")
        for change in plan.changes:
            self.stdout.write(_line(change))
        if not plan.changes:
            self.stdout.write("Nothing would change.")
        if plan.uncompared_secrets:
            names = ", ".join(plan.uncompared_secrets)
            self.stdout.write(f"Secret values cannot be compared and will be set again: {names}")
        if plan.runs_in_progress:
            self.stdout.write(f"Runs in progress: {plan.runs_in_progress}. They continue.")


_SIGNS = {
    CheckState.PASSED: "✓",
    CheckState.WARNING: "!",
    CheckState.FAILED: "✗",
    CheckState.UNKNOWN: "?",
}


def _sign(finding: Finding) -> str:
    return _SIGNS[CheckState.WARNING if finding.is_warning else CheckState.FAILED]


def _unknown(check: Check) -> str:
    return ": unknown" if check.state is CheckState.UNKNOWN else ""


def _snapshot(options: dict[str, Any], workflow: Workflow) -> Deployment | None:
    """Return the deployment given with --snapshot; None to deploy the newest version."""
    number = options["snapshot"]
    return None if number is None else earlier_deployment(number, options, workflow)


def _own_target(earlier: Deployment) -> Target:
    if earlier.target is None:
        raise NoTarget(f"The target {earlier.target_name} has been deleted.")
    return earlier.target


def _failure(ended: Deployment) -> str:
    """Return the outcome, the failed parts, what is live, and the next step."""
    failed = [part for part in ended.parts if not part["done"]]
    return "\n".join(
        [
            f"#{ended.pk} {ended.get_status_display()}: {ended.message}".rstrip(" :"),
            *(f"  failed: {part['kind']} {part['name']}  {part['message']}" for part in failed),
            *filter(None, [describe_remote_outcome(ended)]),
            f"Next: {_next(ended)}",
        ]
    )


def _next(ended: Deployment) -> str:
    text = advice(ended).text
    retry = command("retry_deployment", str(ended.pk))
    return f"{text} {retry}" if ended.can_retry else text


def _line(change: Change) -> str:
    sign = {"added": "+", "removed": "-", "changed": "~", "kept": "="}[change.how]
    named = f"{change.what} {change.name}".rstrip()
    values = " -> ".join(part for part in (change.before, change.after) if part)
    stays = "  (kept: not in use, but never deleted by a deploy)" if change.how == "kept" else ""
    return f"{sign} {named}  {values}".rstrip() + stays
