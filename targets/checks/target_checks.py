"""The check of a target: whether its token and account are ready for deployments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from audit import trail
from audit.trail import Actor
from targets.checks.check_state import CheckState
from targets.checks.permission_proofs import proofs
from targets.cloudflare import token_permissions, tokens
from targets.cloudflare.account import Account
from targets.cloudflare.errors import Cause, DeployError
from targets.cloudflare.time_limits import time_limited
from targets.cloudflare.token_permissions import AccountProbe, Probe, ProbeResult
from targets.cloudflare.tokens import Owner, Token, TokenKind
from targets.lookup import account_of
from targets.models import Target
from targets.services import as_token, inactive_token, other_accounts, subject_of

_SOON: Final = timedelta(days=14)
_TEMPORARY: Final = (Cause.RATE_LIMIT, Cause.TARGET)
_EDIT_AND_CHECK: Final = "in the Cloudflare dashboard under API Tokens, then check again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The result of one check, stored with the target; `fix` says what to do."""

    name: str
    state: CheckState
    message: str
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a permission is for.

    `without` says what does not work without it, `proven_by` which write will prove it ("" if
    reading is enough). Without a vital permission, nothing can be deployed.
    """

    without: str
    proven_by: str = ""
    is_vital: bool = False


NEEDS: Final = {
    token_permissions.SCRIPTS: Need(
        without="nothing can be deployed", proven_by="the first deploy", is_vital=True
    ),
    token_permissions.ZONE: Need(
        without="routes and custom domains cannot be deployed, because their zone cannot be found"
    ),
    token_permissions.ROUTES: Need(
        without="no Worker can get a route or a custom domain",
        proven_by="the first deploy with a route or a custom domain",
    ),
    token_permissions.DNS: Need(
        without="a deploy cannot warn about a route whose host has no proxied DNS record"
    ),
    token_permissions.KV: Need(
        without="KV namespaces cannot be selected or created here, and their ids are not checked",
        proven_by="the first namespace created here",
    ),
    token_permissions.D1: Need(
        without="D1 databases cannot be selected or created here, and their ids are not checked",
        proven_by="the first database created here",
    ),
    token_permissions.R2: Need(
        without="R2 buckets cannot be selected or created here, and their names are not checked",
        proven_by="the first bucket created here",
    ),
    token_permissions.QUEUES: Need(
        without="queues cannot be selected or created here, and no Worker can consume them",
        proven_by="the first deploy that consumes a queue, or the first queue created here",
    ),
}
CREDENTIALS: Final = "API token"
ACCOUNT_ROW: Final = "Account"
SUBDOMAIN_ROW: Final = "workers.dev subdomain"
NAMES: Final = (CREDENTIALS, ACCOUNT_ROW, SUBDOMAIN_ROW, *NEEDS)


def check(target: Target, *, by: Actor) -> Target:
    """Check the target and store the result; a problem becomes a row, never an exception."""
    checked = {row.name: row for row in _rows(target)}
    rows = [checked.get(name, _not_checked(name)) for name in NAMES]
    target.checks = [asdict(row) for row in rows]
    target.checked_at = timezone.now()
    failed = [row.name for row in rows if row.state is CheckState.FAILED]
    warned = [row.name for row in rows if row.state is CheckState.WARNING]
    with transaction.atomic():
        target.save(update_fields=["checks", "checked_at"])
        trail.record("target checked", subject_of(target), by=by, failed=failed, warnings=warned)
    return target


def verdict(target: Target) -> CheckState:
    """Return whether the last check allows deployments; UNKNOWN if it was not completed."""
    states = {row["name"]: row["state"] for row in target.checks}
    if CheckState.FAILED.value in states.values():
        return CheckState.FAILED
    is_known = states.get(CREDENTIALS) not in (None, CheckState.UNKNOWN.value)
    return CheckState.PASSED if is_known else CheckState.UNKNOWN


def _not_checked(name: str) -> Row:
    message = "Not checked: fix the checks above first."
    return Row(name=name, state=CheckState.UNKNOWN, message=message)


def _rows(target: Target) -> Iterator[Row]:
    try:
        account = account_of(target)
        as_token(account.api_token)
    except DeployError as refused:
        fix = "" if target.embedded else "Enter the API token again."
        yield Row(name=CREDENTIALS, state=CheckState.FAILED, message=str(refused), fix=fix)
        return
    with time_limited(account) as limited:
        try:
            token = tokens.fetch_token(limited)
        except DeployError as refused:
            yield _unverified(refused)
            return
        yield (row := _token(token))
        if row.state is not CheckState.FAILED:
            yield from _account_rows(limited, target, token)


def _unverified(refused: DeployError) -> Row:
    state = CheckState.UNKNOWN if refused.cause in _TEMPORARY else CheckState.FAILED
    is_wrong = refused.cause is Cause.CREDENTIALS
    fix = "Create a new token in the Cloudflare dashboard and enter it here." if is_wrong else ""
    return Row(name=CREDENTIALS, state=state, message=str(refused), fix=fix)


def _token(token: Token) -> Row:
    if token.status != "active":
        fix = "Then enter it here."
        return Row(
            name=CREDENTIALS, state=CheckState.FAILED, message=inactive_token(token), fix=fix
        )
    kind = str(token.kind).capitalize()
    if token.expires is None:
        message = f"{kind}, active, does not expire."
        return Row(name=CREDENTIALS, state=CheckState.PASSED, message=message)
    message = f"{kind}, active until {token.expires:%Y-%m-%d %H:%M} UTC."
    if token.expires - datetime.now(UTC) > _SOON:
        return Row(name=CREDENTIALS, state=CheckState.PASSED, message=message)
    fix = "Create a new one before then: deploys fail once it has expired."
    return Row(name=CREDENTIALS, state=CheckState.WARNING, message=message, fix=fix)


def _account_rows(account: Account, target: Target, token: Token) -> Iterator[Row]:
    try:
        owners = tokens.owners(account)
    except DeployError as refused:
        yield Row(name=ACCOUNT_ROW, state=CheckState.UNKNOWN, message=str(refused))
        return
    if owners and account.account_id not in {owner.id for owner in owners}:
        fix = "Correct the account id, or enter a token for this account."
        message = other_accounts(owners)
        yield Row(name=ACCOUNT_ROW, state=CheckState.FAILED, message=message, fix=fix)
        return
    result = token_permissions.probe_account(account)
    yield _account(account.account_id, owners, token=token, result=result)
    yield _subdomain(result.subdomain)
    proven = proofs(target)
    for probe in result.probes:
        yield _permission(probe, proof=proven.get(probe.permission, ""))


def _account(account_id: str, owners: list[Owner], *, token: Token, result: AccountProbe) -> Row:
    name = next((owner.name for owner in owners if owner.id == account_id), "")
    if name:
        return Row(name=ACCOUNT_ROW, state=CheckState.PASSED, message=f"{name} ({account_id})")
    is_proven = token.kind is TokenKind.ACCOUNT or any(
        probe.answer is ProbeResult.READ for probe in result.probes
    )
    if is_proven:
        message = f"{account_id}. The token cannot read the account's name, but that is not needed."
        return Row(name=ACCOUNT_ROW, state=CheckState.PASSED, message=message)
    return Row(
        name=ACCOUNT_ROW,
        state=CheckState.FAILED,
        message=f"The token cannot read anything in the account {account_id}: it is for another "
        "account, or has none of the permissions below.",
        fix="Compare the account id with the overview page of your account, then check the token.",
    )


def _subdomain(subdomain: str | DeployError) -> Row:
    if isinstance(subdomain, DeployError):
        state, message = CheckState.UNKNOWN, str(subdomain)
        return Row(name=SUBDOMAIN_ROW, state=state, message=message)
    if subdomain:
        message = f"{subdomain}.workers.dev"
        return Row(name=SUBDOMAIN_ROW, state=CheckState.PASSED, message=message)
    return Row(
        name=SUBDOMAIN_ROW,
        state=CheckState.FAILED,
        message="The account has no workers.dev subdomain yet. Workflows need one.",
        fix="Choose one in the Cloudflare dashboard under Workers & Pages, then check again.",
    )


def _permission(probe: Probe, *, proof: str) -> Row:
    need = NEEDS[probe.permission]
    match probe.answer:
        case ProbeResult.READ:
            message = _proven(need, proof)
            return Row(name=probe.permission, state=CheckState.PASSED, message=message)
        case ProbeResult.REFUSED:
            level = "Write" if need.proven_by else "Read"
            return Row(
                name=probe.permission,
                state=CheckState.FAILED if need.is_vital else CheckState.WARNING,
                message=f"Missing ({probe.reason}). Without it, {need.without}.",
                fix=f'Add the permission "{probe.permission} {level}" to the token {_EDIT_AND_CHECK}',
            )
        case ProbeResult.UNTRIED:
            message = (
                "The token cannot read any zone in the account: there is none, or the permission is "
                "missing. Only routes and custom domains need one."
            )
        case _:
            message = probe.reason
    return Row(name=probe.permission, state=CheckState.UNKNOWN, message=message)


def _proven(need: Need, proof: str) -> str:
    if not need.proven_by:
        return "Read access works. Write access is not needed."
    if proof:
        return f"Read access works. Write access was proven by {proof}."
    return f"Read access works. Write access will be proven by {need.proven_by}."
