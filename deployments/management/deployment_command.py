"""The base of commands that request a deployment and wait until it has ended."""

from __future__ import annotations

import json
import shlex
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from deployments.models import Deployment, StageRecord
from deployments.pipeline.stages import Status
from deployments.queue import recovery
from deployments.queue.progress import wait_until_final
from deployments.services.required_tests import TestsFailed
from deployments.stream.event_log import result_of
from targets.cloudflare.errors import DeployError, Finding
from targets.lookup import default_target, target_named
from targets.models import Target
from targets.policy import Consent, Frozen, Unconfirmed
from workflows.models import Workflow
from workflows.services import WorkflowNotFound


class DeploymentCommand(BaseCommand):
    """Requests a deployment and prints its stages. Exits with 1 if it did not succeed.

    `request` returns the queued deployment; it may raise DeployError.
    """

    def add_consent(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--confirm",
            metavar="NAME",
            default="",
            help="the workflow's name, for a protected target and for a takedown",
        )
        parser.add_argument(
            "--override-freeze",
            metavar="REASON",
            default="",
            help="deploy to a frozen target; the reason is recorded in the audit trail",
        )

    def add_json(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="JSON lines: stages, then the result"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        recovery.sweep()  # what a killed command left behind may be in the way, and no server may be running
        try:
            deployment = self.request(options)
        except (DeployError, WorkflowNotFound) as refusal:
            raise CommandError(with_option_hint(refusal)) from None
        self.wait(deployment, as_json=options.get("json", True))

    def request(self, options: dict[str, Any]) -> Deployment:
        raise NotImplementedError

    def wait(self, deployment: Deployment, *, as_json: bool) -> None:
        print_stage = self._print_json if as_json else self._print_text
        ended = wait_until_final(deployment, print_stage, on_stall=self._print_stall)
        ended.refresh_from_db()
        for warning in ended.warnings:
            self.stderr.write(f"Warning: {Finding(**warning)}")
        self.print_result(ended, as_json=as_json)
        if ended.status != Status.SUCCEEDED.value:
            sys.exit(1)

    def _print_json(self, record: StageRecord) -> None:
        self._line(record.as_event())

    def _print_text(self, record: StageRecord) -> None:
        self.stdout.write(f"{record.progress:3} %  {record.message}")
        self.stdout.flush()

    def _print_stall(self) -> None:
        self.stderr.write(
            "No process is working on the queue, so the deployment is waiting. Start a worker with "
            "`manage.py worker`, or end this command with Ctrl-C and cancel the deployment."
        )

    def print_result(self, ended: Deployment, *, as_json: bool) -> None:
        if as_json:
            self._line({"result": result_of(ended)})
            return
        url = result_of(ended)["worker_url"]
        self.stdout.write(f"#{ended.pk} {ended.get_status_display()}  {url}".rstrip())
        for part in ended.parts:
            state = "done" if part["done"] else f"failed: {part['message']}"
            self.stdout.write(f"  {part['kind']} {part['name']}  {state}".rstrip())

    def _line(self, value: Any) -> None:
        self.stdout.write(json.dumps(value, ensure_ascii=False))
        self.stdout.flush()


def with_option_hint(refusal: Exception) -> str:
    """Return the refusal, with the option that overrides it."""
    match refusal:
        case Unconfirmed():
            return f"{refusal} Use {confirm_option(refusal.name)}"
        case Frozen():
            return f"{refusal} Use --override-freeze REASON"
        case TestsFailed():
            return f"{refusal} Use --override-tests REASON"
    return str(refusal)


def confirm_option(name: str) -> str:
    """Return the option as typed in a shell."""
    return f"--confirm {shlex.quote(name)}"


def consent_of(options: dict[str, Any]) -> Consent:
    """Return the consent given by --confirm, --override-freeze, --override-tests and --overwrite."""
    return Consent(
        name=options["confirm"],
        freeze_reason=options["override_freeze"],
        tests_reason=options.get("override_tests", ""),
        overwrite=bool(options.get("overwrite")),
    )


def target_of(options: dict[str, Any]) -> Target:
    """Return the given or the default target; raises NoTarget if it does not exist."""
    return target_named(options["target"]) if options["target"] else default_target()


def earlier_deployment(number: int, options: dict[str, Any], workflow: Workflow) -> Deployment:
    """Return an earlier deployment of the workflow, which is deployed to its own target again.

    Raises CommandError if it belongs to another workflow, or another target is given.
    """
    earlier, target = deployment_of(number), options["target"]
    own = earlier.target.name if earlier.target else earlier.target_name
    if earlier.workflow_public_id != workflow.pk:
        raise CommandError(f"Deployment #{number} does not belong to {workflow.pk}.")
    if target and target != own:
        raise CommandError(
            f"Deployment #{number} can only go to {own} again: omit --target {target}."
        )
    return earlier


def deployment_of(number: int) -> Deployment:
    """Return the deployment; raises CommandError if it does not exist."""
    deployment = Deployment.objects.filter(pk=number).first()
    if deployment is None:
        raise CommandError(f"There is no deployment #{number}. Use list_deployments to see all.")
    return deployment
