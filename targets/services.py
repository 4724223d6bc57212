"""Actions on targets: one function each, for the admin, the API and the commands."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

import httpx
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction

from audit import trail
from audit.trail import Actor, Subject
from targets.cloudflare import token_permissions, tokens
from targets.cloudflare.account import Account
from targets.cloudflare.errors import Cause, DeployError
from targets.cloudflare.time_limits import time_limited
from targets.cloudflare.tokens import Owner, Token, TokenKind
from targets.models import Target
from web.transaction_locks import lock_until_commit

CREDENTIAL: Final = "api_token"
ACCESS: Final = frozenset({"account_id", "api_base_url", CREDENTIAL})
"""The fields that decide how the target responds: a change invalidates its checks."""

_FREEZE: Final = frozenset({"frozen_from", "frozen_until", "frozen_reason"})
_PROTECTION: Final = frozenset({"protected", "deployers"})
_ACCOUNT_ID: Final = re.compile(r"[0-9a-f]{32}")
_TOKEN: Final = re.compile(r"[!-~]+")
_NO_ACCOUNTS: Final = (
    "The token is wrong, or cannot list its accounts. Enter the account id: it is on "
    "the overview page of your Cloudflare account."
)
_TEMPORARY: Final = (Cause.UNREACHABLE, Cause.RATE_LIMIT, Cause.TARGET)


class WrongToken(DeployError):
    """The target does not accept the token."""

    cause = Cause.CREDENTIALS


class WrongUrl(DeployError):
    """The API base URL cannot be used."""

    cause = Cause.TARGET


class EmbeddedTarget(DeployError):
    """The target is the embedded platform, whose account comes from the settings."""


class WrongAccount(DeployError):
    """The token cannot access this account; `owners` are the accounts that it can, if known."""

    cause = Cause.CREDENTIALS

    def __init__(self, message: str, owners: Collection[Owner] = ()) -> None:
        super().__init__(message)
        self.owners = tuple(owners)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The token's account; `warning` says why it could not be verified, if so."""

    account_id: str
    warning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenReport:
    """The accounts that a token can access, and why it is of no use; "" if it is."""

    owners: tuple[Owner, ...] = ()
    problem: str = ""


def as_base_url(text: str) -> str:
    """Return the URL without a slash at the end; raises WrongUrl if it is malformed."""
    url = text.strip().rstrip("/")
    try:
        URLValidator(["https", "http"])(url)
        httpx.URL(url)
    except (ValidationError, httpx.InvalidURL):
        raise WrongUrl(
            "The API base URL must start with https:// or http://, such as "
            "https://api.cloudflare.com/client/v4."
        ) from None
    return url


def as_account_id(text: str) -> str:
    """Return the id as Cloudflare shows it; raises WrongAccount if it is malformed."""
    account_id = text.strip().lower()
    if not _ACCOUNT_ID.fullmatch(account_id):
        raise WrongAccount("An account id is 32 hexadecimal digits (0-9, a-f).")
    return account_id


def as_token(text: str) -> str:
    """Return the token without surrounding whitespace; raises WrongToken if it is malformed."""
    token = text.strip()
    if not _TOKEN.fullmatch(token):
        raise WrongToken("This is not an API token: a token has no spaces and no accented letters.")
    return token


def verify(*, api_base_url: str, api_token: str, account_id: str) -> Verification:
    """Verify token and account with the target; without an id, look up the token's only account.

    Raises WrongUrl, WrongToken or WrongAccount. If the target cannot be reached now, the result has a
    warning; that is an error only if the account has to be looked up.
    """
    base_url, token = as_base_url(api_base_url), as_token(api_token)
    account = Account(account_id=account_id, api_base_url=base_url, api_token=token)
    try:
        with time_limited(account) as limited:
            if account_id:
                return _verify_account(limited)
            found = _only_account(limited)
    except (WrongToken, WrongAccount):
        raise
    except DeployError as refused:
        return _unverified(account_id, refused)
    return verify(api_base_url=base_url, api_token=token, account_id=found)


def inspect_token(*, api_base_url: str, api_token: str, account_id: str = "") -> TokenReport:
    """Return what the target says about a token. Nothing is saved.

    Raises WrongUrl or WrongToken if they are malformed, DeployError if the target cannot be reached.
    """
    account = Account(
        account_id=account_id, api_base_url=as_base_url(api_base_url), api_token=as_token(api_token)
    )
    owners: list[Owner] = []
    try:
        with time_limited(account) as limited:
            owners = tokens.owners(limited)
            if account_id:
                _verify_account(limited)
            else:
                _check_active(_user_token(limited))
    except DeployError as refused:
        if refused.cause is not Cause.CREDENTIALS:
            raise
        return TokenReport(owners=tuple(owners), problem=str(refused))
    return TokenReport(owners=tuple(owners), problem="" if owners or account_id else _NO_ACCOUNTS)


def _unverified(account_id: str, refused: DeployError) -> Verification:
    if refused.cause not in _TEMPORARY:
        raise WrongToken(str(refused)) from None
    if not account_id:
        raise WrongAccount(f"The account could not be looked up. {refused}") from None
    return Verification(account_id=account_id, warning=str(refused))


def _only_account(account: Account) -> str:
    owners = tokens.owners(account)
    _check_active(_user_token(account))
    return _only(owners).id


def _verify_account(account: Account) -> Verification:
    token = tokens.fetch_token(account)
    _check_active(token)
    owners = tokens.owners(account)
    if owners and account.account_id not in {owner.id for owner in owners}:
        raise WrongAccount(other_accounts(owners), owners)
    is_proven = owners or token.kind is TokenKind.ACCOUNT
    if not is_proven and not tokens.can_read_workers(account):
        raise WrongAccount(
            f"The token cannot read the Workers in the account {account.account_id}: it is for another "
            f'account, or lacks the permission "{token_permissions.SCRIPTS} Write".'
        )
    return Verification(account_id=account.account_id)


def _user_token(account: Account) -> Token | None:
    """Return a user token; None for an account-owned one, which needs the account id to look up."""
    try:
        return tokens.fetch_token(account)
    except DeployError as refused:
        if refused.cause is Cause.CREDENTIALS:
            return None
        raise


def _check_active(token: Token | None) -> None:
    if token and token.status != "active":
        raise WrongToken(inactive_token(token))


def inactive_token(token: Token) -> str:
    """Return the message for a token that is not active."""
    return (
        f"The {token.kind} is {token.status}, not active: create a new one in the Cloudflare dashboard "
        "under API Tokens."
    )


def other_accounts(owners: Collection[Owner]) -> str:
    """Return the message for a token that is for other accounts."""
    return f"The token is for other accounts: {', '.join(map(str, owners))}."


def _only(owners: list[Owner]) -> Owner:
    if not owners:
        raise WrongAccount(_NO_ACCOUNTS)
    if len(owners) > 1:
        raise WrongAccount("The token is for several accounts: choose one.", owners)
    return owners[0]


def _no_groups() -> None:
    """Save no groups: only the form has them."""


def save(
    target: Target,
    *,
    by: Actor,
    changed: Collection[str],
    save_groups: Callable[[], object] = _no_groups,
) -> None:
    """Save the target, and record the names of the changed fields in the audit trail."""
    is_new = target._state.adding
    if ACCESS.intersection(changed):
        target.checks, target.checked_at = [], None
    with transaction.atomic():
        if target.is_default:
            lock_until_commit("target", "default")
            Target.objects.filter(is_default=True).exclude(pk=target.pk).update(is_default=False)
        target.save()
        save_groups()
        action = "target added" if is_new else "target changed"
        trail.record(action, subject_of(target), by=by, fields=sorted(changed))
        _record_details(target, set(changed), by=by)


def _record_details(target: Target, changed: set[str], *, by: Actor) -> None:
    subject = subject_of(target)
    if CREDENTIAL in changed:
        trail.record("target token set", subject, by=by)
    if changed & _FREEZE:
        is_set = target.frozen_from is not None
        action = "target freeze set" if is_set else "target freeze lifted"
        trail.record(action, subject, by=by, reason=target.frozen_reason, **_window(target))
    if "requires_tests" in changed:
        action = "target tests required" if target.requires_tests else "target tests not required"
        trail.record(action, subject, by=by)
    if changed & _PROTECTION:
        groups = list(target.deployers.order_by("name").values_list("name", flat=True))
        trail.record(_protection_action(target, changed), subject, by=by, groups=groups)


def _protection_action(target: Target, changed: set[str]) -> str:
    if "protected" not in changed:
        return "target deployers changed"
    return "target protected" if target.protected else "target protection lifted"


def _window(target: Target) -> dict[str, Any]:
    times = {"from": target.frozen_from, "until": target.frozen_until}
    return {name: time.isoformat() if time else None for name, time in times.items()}


def delete(target: Target, *, by: Actor) -> None:
    """Delete the target and its token; its history and its Workers remain. Raises EmbeddedTarget."""
    if target.embedded:
        raise EmbeddedTarget(f"{target.name} is the embedded platform: it cannot be deleted.")
    with transaction.atomic():
        trail.record("target deleted", subject_of(target), by=by, account=target.account_id)
        target.delete()


def subject_of(target: Target) -> Subject:
    """Return the target as the subject of an audit entry."""
    return Subject("target", str(target.pk), target.name)
