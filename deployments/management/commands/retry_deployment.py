from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from audit.trail import command_line_actor
from deployments.management.deployment_command import DeploymentCommand, consent_of, deployment_of
from deployments.models import Deployment
from deployments.services import control


class Command(DeploymentCommand):
    help = "Retry failed parts of a deployment."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("deployment", metavar="DEPLOYMENT", type=int, help="its number")
        self.add_consent(parser)
        self.add_json(parser)

    def request(self, options: dict[str, Any]) -> Deployment:
        partial = deployment_of(options["deployment"])
        return control.retry_failed(partial, by=command_line_actor(), consent=consent_of(options))
