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
from deployments.presentation.remote_outcome import describe_remote_outcome
from deployments.services import plan as forecast
from deployments.services.deploy import request_deployment, request_snapshot
from targets import policy
from targets.checks.check_state import CheckState
from targets.cloudflare.errors import Cause, DeployError, Finding
from targets.lookup import NoTarget
from targets.models import Target
from workflows.models import Workflow
from workflows.services import WorkflowNotFound, get_workflow


class Command(DeploymentCommand):
    help = "Deploy a workflow and print its stages as JSON lines while they begin."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("workflow", metavar="ID", help="the workflow's id")
        parser.add_argument("--target", metavar="NAME", help="default: the default target")
        parser.add_argument("--plan", action="store_true", help="say what would change, and stop")
        parser.add_argument("--json", action="store_true", help="the plan as JSON; the result too")
        parser.add_argument(
            "--snapshot",
            metavar="DEPLOYMENT",
            type=int,
            help="deploy what that one was made of, to its target",
        )
        parser.add_argument(
            "--overwrite", action="store_true", help="undo what others changed at the target"
        )
        self.add_consent(parser)

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

    def follow(self, deployment: Deployment, *, as_json: bool) -> None:
        """Stages are JSON lines in any case; with --json the result follows them."""
        self.tells_result = as_json
        super().follow(deployment, as_json=True)

    def print_end(self, ended: Deployment, *, as_json: bool) -> None:
        if self.tells_result:
            super().print_end(ended, as_json=as_json)
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
        checks = forecast.preflight(workflow, target, consent=consent, snapshot=earlier)
        plan = forecast.plan(workflow, target, consent=consent, snapshot=earlier)
        objection = policy.find_refusal(target, workflow, by=by, consent=consent)
        if objection:
            plan = plan.refused(Finding(message=with_option_hint(objection), cause=Cause.POLICY))
        if options["json"]:
            told = {**plan.as_json(), "checks": [check.as_json() for check in checks]}
            self.stdout.write(json.dumps(told, ensure_ascii=False))
        else:
            self._print_checks(checks, plan)
            self._print_plan(plan)
        if not plan.can_deploy:
            sys.exit(1)

    def _print_checks(self, checks: list[Check], plan: Plan) -> None:
        """Every check with what it found, and what the plan alone has met."""
        for check in checks:
            self.stdout.write(f"{_SIGNS[check.state]} {check.name}{_unknown(check)}")
            for finding in check.findings:
                self.stdout.write(f"  {_sign(finding)} {finding}")
        found = {str(finding) for check in checks for finding in check.findings}
        for finding in plan.findings:
            if str(finding) not in found:
                self.stdout.write(f"{_sign(finding)} {finding}")

    def _print_plan(self, plan: Plan) -> None:
        if not plan.can_deploy:
            self.stdout.write("A deploy would fail as things are: what it would change is unknown.")
            return
        self.stdout.write("A new Worker." if plan.is_new else f"Live now: {plan.live_version}")
        for change in plan.changes:
            self.stdout.write(_line(change))
        if not plan.changes:
            self.stdout.write("Nothing would change.")
        if plan.uncompared_secrets:
            names = ", ".join(plan.uncompared_secrets)
            self.stdout.write(f"Values of secrets cannot be compared, and are set anew: {names}")
        if plan.runs_in_progress:
            self.stdout.write(f"Runs in progress: {plan.runs_in_progress}. They go on.")


_SIGNS = {
    CheckState.PASSED: "✓",
    CheckState.WARNING: "!",
    CheckState.FAILED: "✗",
    CheckState.UNKNOWN: "?",
}


def _sign(finding: Finding) -> str:
    return _SIGNS[CheckState.WARNING if finding.is_warning else CheckState.FAILED]


def _unknown(check: Check) -> str:
    return ": not known" if check.state is CheckState.UNKNOWN else ""


def _snapshot(options: dict[str, Any], workflow: Workflow) -> Deployment | None:
    """Return the deployment whose snapshot is asked for; None where the newest version is."""
    number = options["snapshot"]
    return None if number is None else earlier_deployment(number, options, workflow)


def _own_target(earlier: Deployment) -> Target:
    if earlier.target is None:
        raise NoTarget(f"The target {earlier.target_name} has been deleted.")
    return earlier.target


def _failure(ended: Deployment) -> str:
    """Say how it ended, what failed, what is live, and the next step."""
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
    return f"{text} manage.py retry_deployment {ended.pk}" if ended.can_retry else text


def _line(change: Change) -> str:
    sign = {"added": "+", "removed": "-", "changed": "~", "kept": "="}[change.how]
    named = f"{change.what} {change.name}".rstrip()
    values = " -> ".join(part for part in (change.before, change.after) if part)
    stays = "  (stays: nothing names it, and nothing deletes it)" if change.how == "kept" else ""
    return f"{sign} {named}  {values}".rstrip() + stays
