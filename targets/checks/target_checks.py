"""What a target says when it is asked whether one can deploy to it: rows that are kept with it."""

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
from targets.checks.proofs import proofs
from targets.cloudflare import permissions, tokens
from targets.cloudflare.account import Account
from targets.cloudflare.errors import Cause, DeployError
from targets.cloudflare.permissions import AccountProbe, Probe, ProbeResult
from targets.cloudflare.time_limits import time_limited
from targets.cloudflare.tokens import Owner, Token, TokenKind
from targets.lookup import account_of
from targets.models import Target
from targets.services import as_token, inactive_token, other_accounts, subject_of

_SOON: Final = timedelta(days=14)
_UNKNOWN: Final = (Cause.RATE_LIMIT, Cause.TARGET)
_EDIT: Final = "Edit the token on Cloudflare's dashboard under API Tokens, then check again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One check: what was found, and what to do about it."""

    name: str
    state: CheckState
    message: str
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a permission is for: the uses that fail without it, and whether it has to write."""

    without: str
    proven_by: str = ""
    is_vital: bool = False


NEEDS: Final = {
    permissions.SCRIPTS: Need(
        without="nothing can be deployed", proven_by="the first deploy", is_vital=True
    ),
    permissions.ZONE: Need(
        without="routes and custom domains do not find their zone, and cannot be deployed"
    ),
    permissions.ROUTES: Need(
        without="no route and no custom domain can be put on a Worker",
        proven_by="the first deploy with a route or a custom domain",
    ),
    permissions.DNS: Need(
        without="a route whose host has no proxied DNS record is not noticed before it is used"
    ),
    permissions.KV: Need(
        without="KV namespaces cannot be chosen or created here, and their ids are not checked",
        proven_by="the first namespace that is created here",
    ),
    permissions.D1: Need(
        without="D1 databases cannot be chosen or created here, and their ids are not checked",
        proven_by="the first database that is created here",
    ),
    permissions.R2: Need(
        without="R2 buckets cannot be chosen or created here, and their names are not checked",
        proven_by="the first bucket that is created here",
    ),
    permissions.QUEUES: Need(
        without="queues cannot be chosen or created here, and no Worker can take their messages",
        proven_by="the first deploy that takes a queue's messages, or the first queue created here",
    ),
}
CREDENTIALS: Final = "API token"
ACCOUNT_ROW: Final = "Account"
SUBDOMAIN_ROW: Final = "workers.dev subdomain"
NAMES: Final = (CREDENTIALS, ACCOUNT_ROW, SUBDOMAIN_ROW, *NEEDS)


def check(target: Target, *, by: Actor) -> Target:
    """Ask the target and keep what it says; what goes wrong is a row, never an error."""
    found = {row.name: row for row in _rows(target)}
    rows = [found.get(name, _not_asked(name)) for name in NAMES]
    target.checks = [asdict(row) for row in rows]
    target.checked_at = timezone.now()
    failed = [row.name for row in rows if row.state is CheckState.FAILED]
    warned = [row.name for row in rows if row.state is CheckState.WARNING]
    with transaction.atomic():
        target.save(update_fields=["checks", "checked_at"])
        trail.record("target checked", subject_of(target), by=by, failed=failed, warnings=warned)
    return target


def verdict(target: Target) -> CheckState:
    """Tell what the last check comes to: whether anything at all can be deployed, if that is known."""
    states = {row["name"]: row["state"] for row in target.checks}
    if CheckState.FAILED.value in states.values():
        return CheckState.FAILED
    is_known = states.get(CREDENTIALS) not in (None, CheckState.UNKNOWN.value)
    return CheckState.PASSED if is_known else CheckState.UNKNOWN


def _not_asked(name: str) -> Row:
    message = "Not asked: what stands above comes first."
    return Row(name=name, state=CheckState.UNKNOWN, message=message)


def _rows(target: Target) -> Iterator[Row]:
    try:
        account = account_of(target)
        as_token(account.api_token)
    except DeployError as refused:
        fix = "" if target.embedded else "Type the API token anew."
        yield Row(name=CREDENTIALS, state=CheckState.FAILED, message=str(refused), fix=fix)
        return
    with time_limited(account) as brief:
        try:
            token = tokens.fetch_token(brief)
        except DeployError as refused:
            yield _unverified(refused)
            return
        yield (row := _token(token))
        if row.state is not CheckState.FAILED:
            yield from _of_account(brief, target, token)


def _unverified(refused: DeployError) -> Row:
    is_unknown = refused.cause in _UNKNOWN
    state = CheckState.UNKNOWN if is_unknown else CheckState.FAILED
    is_wrong = refused.cause is Cause.CREDENTIALS
    fix = "Make a new token on Cloudflare's dashboard and type it here." if is_wrong else ""
    return Row(name=CREDENTIALS, state=state, message=str(refused), fix=fix)


def _token(token: Token) -> Row:
    if token.status != "active":
        fix = "Then type the new token here."
        return Row(
            name=CREDENTIALS, state=CheckState.FAILED, message=inactive_token(token), fix=fix
        )
    kind = str(token.kind).capitalize()
    if token.expires is None:
        message = f"{kind}, active, without an end."
        return Row(name=CREDENTIALS, state=CheckState.PASSED, message=message)
    message = f"{kind}, active until {token.expires:%Y-%m-%d %H:%M} UTC."
    if token.expires - datetime.now(UTC) > _SOON:
        return Row(name=CREDENTIALS, state=CheckState.PASSED, message=message)
    fix = "Make a new one before that: no deploy works afterwards."
    return Row(name=CREDENTIALS, state=CheckState.WARNING, message=message, fix=fix)


def _of_account(account: Account, target: Target, token: Token) -> Iterator[Row]:
    try:
        owners = tokens.owners(account)
    except DeployError as refused:
        yield Row(name=ACCOUNT_ROW, state=CheckState.UNKNOWN, message=str(refused))
        return
    if owners and account.account_id not in {one.id for one in owners}:
        fix = "Correct the account id, or type a token of this account."
        message = other_accounts(owners)
        yield Row(name=ACCOUNT_ROW, state=CheckState.FAILED, message=message, fix=fix)
        return
    found = permissions.probe_account(account)
    yield _account(account.account_id, owners, token=token, found=found)
    yield _subdomain(found.subdomain)
    proven = proofs(target)
    for probe in found.probes:
        yield _permission(probe, proof=proven.get(probe.permission, ""))


def _account(account_id: str, owners: list[Owner], *, token: Token, found: AccountProbe) -> Row:
    name = next((one.name for one in owners if one.id == account_id), "")
    if name:
        return Row(name=ACCOUNT_ROW, state=CheckState.PASSED, message=f"{name} ({account_id})")
    is_proven = token.kind is TokenKind.ACCOUNT or any(
        probe.answer is ProbeResult.READ for probe in found.probes
    )
    if is_proven:
        message = f"{account_id}. The token may not read its name, which nothing needs."
        return Row(name=ACCOUNT_ROW, state=CheckState.PASSED, message=message)
    return Row(
        name=ACCOUNT_ROW,
        state=CheckState.FAILED,
        message=f"The token can read nothing of the account {account_id}: it is for another account, "
        "or has none of the permissions below.",
        fix="Compare the account id with the overview of your account; then look at the token.",
    )


def _subdomain(found: str | DeployError) -> Row:
    if isinstance(found, DeployError):
        state, message = CheckState.UNKNOWN, str(found)
        return Row(name=SUBDOMAIN_ROW, state=state, message=message)
    if found:
        message = f"{found}.workers.dev"
        return Row(name=SUBDOMAIN_ROW, state=CheckState.PASSED, message=message)
    return Row(
        name=SUBDOMAIN_ROW,
        state=CheckState.FAILED,
        message="The account has no workers.dev subdomain yet, and Workflows need one.",
        fix="Choose it on Cloudflare's dashboard under Workers & Pages, then check again.",
    )


def _permission(probe: Probe, *, proof: str) -> Row:
    need = NEEDS[probe.permission]
    match probe.answer:
        case ProbeResult.READ:
            message = _proven(need, proof)
            return Row(name=probe.permission, state=CheckState.PASSED, message=message)
        case ProbeResult.REFUSED:
            right = "Write" if need.proven_by else "Read"
            return Row(
                name=probe.permission,
                state=CheckState.FAILED if need.is_vital else CheckState.WARNING,
                message=f"Missing ({probe.reason}). Without it, {need.without}.",
                fix=f"Add «{probe.permission} {right}». {_EDIT}",
            )
        case ProbeResult.UNTRIED:
            message = (
                "The token reads no zone of the account: there is none, or it may not. Only routes "
                "and custom domains need one."
            )
        case _:
            message = probe.reason
    return Row(name=probe.permission, state=CheckState.UNKNOWN, message=message)


def _proven(need: Need, proof: str) -> str:
    if not need.proven_by:
        return "Read works; it need not write."
    if proof:
        return f"Read works; Write is proven by {proof}."
    return f"Read works; Write will be known at {need.proven_by}."
