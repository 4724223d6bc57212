from __future__ import annotations

import argparse
import getpass
import json
import sys
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.encrypted_fields import UnreadableSecret
from audit.trail import command_line_actor
from targets.changing import change_target
from targets.checks.check_state import CheckState
from targets.cloudflare.errors import DeployError
from targets.lookup import EMBEDDED_NAME
from targets.models import Target
from targets.services import CREDENTIAL, WrongAccount, WrongToken


class Command(BaseCommand):
    help = "Add a Cloudflare account as a target, or change one. The API token is read from standard input."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument(
            "--account-id", metavar="ID", help="default: the only account of the token"
        )
        parser.add_argument("--api-base-url", metavar="URL", help="default: Cloudflare's")
        parser.add_argument(
            "--default", action="store_true", help="deploy to it when no target is named"
        )
        parser.add_argument(
            "--protected",
            action=argparse.BooleanOptionalAction,
            help="allow only the groups that are set in the admin to deploy to it",
        )
        parser.add_argument(
            "--require-tests",
            dest="requires_tests",
            action=argparse.BooleanOptionalAction,
            help="deploy a version to it only if all of its tests pass",
        )
        parser.add_argument("--json", action="store_true", help="print the target as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            target, values = _read(options)
            before = target.checked_at
            warning = change_target(target, values, by=command_line_actor())
        except (DeployError, UnreadableSecret) as refused:
            raise CommandError(f"Nothing was saved. {_with_accounts(refused)}") from None
        except ValidationError as invalid:
            raise CommandError(f"Nothing was saved. {' '.join(invalid.messages)}") from None
        if warning:
            self.stderr.write(f"Warning: the token and account are not verified. {warning}")
        elif target.checked_at != before:
            self._print_failures(target)
        self._print(target, as_json=options["json"], is_verified=not warning)

    def _print_failures(self, target: Target) -> None:
        for row in target.checks:
            if row["state"] == CheckState.FAILED.value:
                self.stderr.write(f"Warning: {row['name']}: {row['message']} {row['fix']}".rstrip())

    def _print(self, target: Target, *, as_json: bool, is_verified: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(_as_json(target, is_verified=is_verified)))
            return
        self.stdout.write(f"Saved the target {target.name}: account {target.account_id}.")
        self.stdout.write(f"To see its permissions, run: check_target {target.name}")


def _read(options: dict[str, Any]) -> tuple[Target, dict[str, Any]]:
    """Return the target, which may be new, and the values of the given options."""
    name = options["name"]
    target = Target.objects.defer("api_token").filter(name=name).first() or Target(name=name)
    if target.embedded or name == EMBEDDED_NAME:
        raise DeployError(
            f"{name} is the embedded platform: its account and token cannot be changed."
        )
    values = _values(options)
    if target._state.adding and CREDENTIAL not in values:
        raise WrongToken("Pass the API token on standard input.")
    return target, values


def _values(options: dict[str, Any]) -> dict[str, Any]:
    values = {
        "account_id": options["account_id"] or None,
        "api_base_url": options["api_base_url"],
        CREDENTIAL: _token() or None,
        "is_default": options["default"] or None,
        "protected": options["protected"],
        "requires_tests": options["requires_tests"],
    }
    return {field: value for field, value in values.items() if value is not None}


def _token() -> str:
    """Read the token from standard input, without echo on a terminal."""
    return getpass.getpass("API token: ") if sys.stdin.isatty() else sys.stdin.read().strip()


def _with_accounts(error: Exception) -> str:
    if isinstance(error, WrongAccount) and error.owners:
        options = "".join(f"\n  --account-id {owner.id}  {owner.name}" for owner in error.owners)
        return f"{error}{options}"
    return str(error)


def _as_json(target: Target, *, is_verified: bool) -> dict[str, Any]:
    return {
        "name": target.name,
        "accountId": target.account_id,
        "apiBaseUrl": target.api_base_url,
        "default": target.is_default,
        "protected": target.protected,
        "requiresTests": target.requires_tests,
        "verified": is_verified,
    }
