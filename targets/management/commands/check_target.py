from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.trail import command_line_actor
from targets.checks import target_checks
from targets.checks.check_state import CheckState
from targets.cloudflare.errors import DeployError
from targets.lookup import EMBEDDED_NAME, target_named
from targets.models import Target


class Command(BaseCommand):
    help = "Check a target: whether its token is active, for which account, and with which permissions."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--json", action="store_true", help="print the checks as a JSON list")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            target = _named(options["name"])
        except DeployError as refused:
            raise CommandError(str(refused)) from None
        target_checks.check(target, by=command_line_actor())
        if options["json"]:
            self.stdout.write(json.dumps(target.checks, ensure_ascii=False, indent=2))
        else:
            for row in target.checks:
                self.stdout.write(_line(row))
        if target_checks.verdict(target) is not CheckState.PASSED:
            sys.exit(1)


def _named(name: str) -> Target:
    """Return the target without its token: one that cannot be decrypted is a finding of the check."""
    target = Target.objects.defer("api_token").filter(name=name).first()
    return target if target and name != EMBEDDED_NAME else target_named(name)


def _line(row: dict[str, str]) -> str:
    return f"{row['state']:<8} {row['name']}: {row['message']} {row['fix']}".rstrip()
