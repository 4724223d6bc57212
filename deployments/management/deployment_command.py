"""What the commands share that put something into the queue and follow it to its end."""

from __future__ import annotations

import json
import shlex
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from deployments.models import Deployment, StageRecord
from deployments.pipeline.stages import Status
from deployments.queue.progress import wait_until_final
from deployments.stream.event_log import result_of
from targets.cloudflare.errors import DeployError, Finding
from targets.lookup import default_target, target_named
from targets.models import Target
from targets.policy import Consent, Frozen, Unconfirmed
from workflows.models import Workflow
from workflows.services import WorkflowNotFound


class DeploymentCommand(BaseCommand):
    """Asks for a change at a target and tells its stages; exit 1 where it did not succeed.

    `request` returns the deployment that was put into the queue; it may raise DeployError.
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
            help="deploy to a frozen target; the reason is put on the audit trail",
        )

    def add_json(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="JSON lines: stages, then the result"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            deployment = self.request(options)
        except (DeployError, WorkflowNotFound) as refusal:
            raise CommandError(with_option_hint(refusal)) from None
        self.follow(deployment, as_json=options.get("json", True))

    def request(self, options: dict[str, Any]) -> Deployment:
        raise NotImplementedError

    def follow(self, deployment: Deployment, *, as_json: bool) -> None:
        tell = self._print_json if as_json else self._print_words
        ended = wait_until_final(deployment, tell)
        ended.refresh_from_db()
        for warning in ended.warnings:
            self.stderr.write(f"Warning: {Finding(**warning)}")
        self.print_end(ended, as_json=as_json)
        if ended.status != Status.SUCCEEDED.value:
            sys.exit(1)

    def _print_json(self, record: StageRecord) -> None:
        self._line(record.as_event())

    def _print_words(self, record: StageRecord) -> None:
        self.stdout.write(f"{record.progress:3} %  {record.message}")
        self.stdout.flush()

    def print_end(self, ended: Deployment, *, as_json: bool) -> None:
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
    """Return the refusal, and the option that gives what it asks for."""
    match refusal:
        case Unconfirmed():
            return f"{refusal} Here: {confirm_option(refusal.name)}"
        case Frozen():
            return f"{refusal} Here: --override-freeze REASON"
    return str(refusal)


def confirm_option(name: str) -> str:
    """Return the option as it is typed in a shell."""
    return f"--confirm {shlex.quote(name)}"


def consent_of(options: dict[str, Any]) -> Consent:
    return Consent(
        name=options["confirm"],
        freeze_reason=options["override_freeze"],
        overwrite=bool(options.get("overwrite")),
    )


def target_of(options: dict[str, Any]) -> Target:
    """Return the target that is named, or the default one; raises NoTarget."""
    return target_named(options["target"]) if options["target"] else default_target()


def earlier_deployment(number: int, options: dict[str, Any], workflow: Workflow) -> Deployment:
    """Return an earlier deployment of the workflow, which goes to its own target again.

    Raises CommandError where it is of another workflow, or another target is named.
    """
    earlier, named = deployment_of(number), options["target"]
    own = earlier.target.name if earlier.target else earlier.target_name
    if earlier.workflow_public_id != workflow.pk:
        raise CommandError(f"Deployment #{number} is not one of {workflow.pk}.")
    if named and named != own:
        raise CommandError(
            f"Deployment #{number} went to {own}, and goes there again: leave --target {named} out."
        )
    return earlier


def deployment_of(number: int) -> Deployment:
    """Return the deployment; raises CommandError where there is none of this number."""
    found = Deployment.objects.filter(pk=number).first()
    if found is None:
        raise CommandError(f"There is no deployment #{number}: list_deployments shows them.")
    return found
