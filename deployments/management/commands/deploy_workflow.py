from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from deployments.errors import DeployError, Finding
from deployments.follow import follow_to_the_end
from deployments.models import StageRecord
from deployments.operator import operator
from deployments.services import request_deployment
from deployments.stages import Status
from deployments.targets import target_named
from workflows.services import NoWorkflow, workflow_of


class Command(BaseCommand):
    help = "Deploy a workflow and print its stages as JSON lines while they begin."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("workflow", metavar="ID", help="the workflow's id")
        parser.add_argument("--target", metavar="NAME", help="default: the default target")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            workflow = workflow_of(options["workflow"])
            target = target_named(options["target"]) if options["target"] else None
            deployment = request_deployment(workflow, target=target, by_name=operator())
        except (DeployError, NoWorkflow) as refusal:
            raise CommandError(str(refusal)) from None
        ended = follow_to_the_end(deployment, self._print)
        for warning in ended.warnings:
            self.stderr.write(f"Warning: {Finding(**warning)}")
        if ended.status != Status.SUCCEEDED.value:
            sys.exit(1)

    def _print(self, record: StageRecord) -> None:
        self.stdout.write(json.dumps(record.as_event(), ensure_ascii=False))
        self.stdout.flush()
