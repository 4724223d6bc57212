from __future__ import annotations

import argparse
import getpass
import json
import sys
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.encrypted_fields import UnreadableSecret
from audit.trail import Actor, command_line_actor
from targets import services
from targets.checks import target_checks
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
            target, changed = _apply(options)
            warning = _verify(target, changed)
            target.full_clean(validate_constraints=False)
        except (DeployError, UnreadableSecret) as refused:
            raise CommandError(f"Nothing was saved. {_with_accounts(refused)}") from None
        except ValidationError as invalid:
            raise CommandError(f"Nothing was saved. {' '.join(invalid.messages)}") from None
        by = command_line_actor()
        services.save(target, by=by, changed=changed)
        if warning:
            self.stderr.write(f"Warning: the token and account are not verified. {warning}")
        elif services.ACCESS.intersection(changed):
            self._check(target, by=by)
        self._print(target, as_json=options["json"], is_verified=not warning)

    def _check(self, target: Target, *, by: Actor) -> None:
        for row in target_checks.check(target, by=by).checks:
            if row["state"] == CheckState.FAILED.value:
                self.stderr.write(f"Warning: {row['name']}: {row['message']} {row['fix']}".rstrip())

    def _print(self, target: Target, *, as_json: bool, is_verified: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(_as_json(target, is_verified=is_verified)))
            return
        self.stdout.write(f"Saved the target {target.name}: account {target.account_id}.")
        self.stdout.write(f"To see its permissions, run: check_target {target.name}")


def _apply(options: dict[str, Any]) -> tuple[Target, set[str]]:
    """Return the target with the options applied, unsaved, and the names of the changed fields."""
    name = options["name"]
    target = Target.objects.defer("api_token").filter(name=name).first() or Target(name=name)
    if target.embedded or name == EMBEDDED_NAME:
        raise DeployError(
            f"{name} is the embedded platform: its account and token cannot be changed."
        )
    values = _values(options)
    is_new = target._state.adding
    if is_new and CREDENTIAL not in values:
        raise WrongToken("Pass the API token on standard input.")
    changed = {field for field, value in values.items() if _differs(target, field, value)}
    for field in changed:
        setattr(target, field, values[field])
    return target, changed | ({"name"} if is_new else set())


def _values(options: dict[str, Any]) -> dict[str, Any]:
    account_id, url, token = options["account_id"], options["api_base_url"], _token()
    values = {
        "account_id": services.as_account_id(account_id) if account_id else None,
        "api_base_url": url,
        CREDENTIAL: services.as_token(token) if token else None,
        "is_default": options["default"] or None,
        "protected": options["protected"],
        "requires_tests": options["requires_tests"],
    }
    return {field: value for field, value in values.items() if value is not None}


def _differs(target: Target, field: str, value: Any) -> bool:
    """A token always counts as changed: it may not be possible to decrypt the stored one."""
    return field == CREDENTIAL or getattr(target, field) != value


def _token() -> str:
    """Read the token from standard input, without echo on a terminal."""
    return getpass.getpass("API token: ") if sys.stdin.isatty() else sys.stdin.read().strip()


def _verify(target: Target, changed: set[str]) -> str:
    """Set the token's account on the target; return why it could not be verified, or ""."""
    if not services.ACCESS.intersection(changed):
        return ""
    if "api_base_url" in changed and CREDENTIAL not in changed:
        raise WrongToken("Pass the token again: the stored one is for another URL.")
    verification = services.verify(
        api_base_url=target.api_base_url,
        api_token=target.api_token,
        account_id=target.account_id,
    )
    target.account_id = verification.account_id
    return verification.warning


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
