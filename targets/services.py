"""What can be done with targets: one function per action, for the admin and the commands."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction

from audit import trail
from audit.trail import Actor, Subject
from targets.cloudflare import permissions, tokens
from targets.cloudflare.account import Account
from targets.cloudflare.errors import Cause, DeployError
from targets.cloudflare.time_limits import time_limited
from targets.cloudflare.tokens import Owner, Token, TokenKind
from targets.models import Target

CREDENTIAL: Final = "api_token"
ACCESS: Final = frozenset({"account_id", "api_base_url", CREDENTIAL})
"""The fields that decide what the target answers: a change makes its checks a thing of the past."""

_FREEZE: Final = frozenset({"frozen_from", "frozen_until", "frozen_reason"})
_PROTECTION: Final = frozenset({"protected", "deployers"})
_ACCOUNT_ID: Final = re.compile(r"[0-9a-f]{32}")
_TOKEN: Final = re.compile(r"[!-~]+")
_UNSURE: Final = (Cause.UNREACHABLE, Cause.RATE_LIMIT, Cause.TARGET)


class WrongToken(DeployError):
    """The target does not take the token."""

    cause = Cause.CREDENTIALS


class WrongAccount(DeployError):
    """The token is for no such account; `owners` are those that it is for, where it may tell."""

    cause = Cause.CREDENTIALS

    def __init__(self, message: str, owners: Collection[Owner] = ()) -> None:
        super().__init__(message)
        self.owners = tuple(owners)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The account that the token is for; `warning` says why it could not be verified, if so."""

    account_id: str
    warning: str = ""


def as_account_id(text: str) -> str:
    """Return the id in the form that Cloudflare shows; raises WrongAccount."""
    account_id = text.strip().lower()
    if not _ACCOUNT_ID.fullmatch(account_id):
        raise WrongAccount("An account id is 32 hexadecimal digits (0-9, a-f).")
    return account_id


def as_token(text: str) -> str:
    """Return the token without what was copied around it; raises WrongToken."""
    token = text.strip()
    if not _TOKEN.fullmatch(token):
        raise WrongToken("This is no API token: a token has no spaces and no letters with accents.")
    return token


def verify(*, api_base_url: str, api_token: str, account_id: str) -> Verification:
    """Ask the target for the token and the account; without an id, the token's only account.

    Raises WrongToken or WrongAccount. A target that cannot be asked just now verifies nothing:
    that is no error, unless the account has to be found.
    """
    base_url, token = api_base_url.rstrip("/"), as_token(api_token)
    asked = Account(account_id=account_id, api_base_url=base_url, api_token=token)
    try:
        with time_limited(asked) as account:
            if account_id:
                return _verified(account)
            found = _looked_up(account)
    except (WrongToken, WrongAccount):
        raise
    except DeployError as refused:
        return _unsure(account_id, refused)
    return verify(api_base_url=base_url, api_token=token, account_id=found)


def _unsure(account_id: str, refused: DeployError) -> Verification:
    if refused.cause not in _UNSURE:
        raise WrongToken(str(refused)) from None
    if not account_id:
        raise WrongAccount(f"The account could not be looked up. {refused}") from None
    return Verification(account_id=account_id, warning=str(refused))


def _looked_up(account: Account) -> str:
    owners = tokens.owners(account)
    _check_active(_user_token(account))
    return _only(owners).id


def _verified(account: Account) -> Verification:
    token = tokens.fetch_token(account)
    _check_active(token)
    owners = tokens.owners(account)
    if owners and account.account_id not in {one.id for one in owners}:
        raise WrongAccount(other_accounts(owners), owners)
    is_proven = owners or token.kind is TokenKind.ACCOUNT
    if not is_proven and not tokens.can_read_workers(account):
        raise WrongAccount(
            f"The token can read no Workers of the account {account.account_id}: it is for another "
            f"account, or lacks the permission «{permissions.SCRIPTS} Write»."
        )
    return Verification(account_id=account.account_id)


def _user_token(account: Account) -> Token | None:
    """An account's own token can be asked about only when its account is known."""
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
    """Say that a token is not active, and what to do about it."""
    return (
        f"The {token.kind} is {token.status}, not active: make a new one on Cloudflare's dashboard "
        "under API Tokens."
    )


def other_accounts(owners: Collection[Owner]) -> str:
    """Say which accounts a token is for."""
    return f"The token is for other accounts: {', '.join(map(str, owners))}."


def _only(owners: list[Owner]) -> Owner:
    if not owners:
        raise WrongAccount(
            "The token is wrong, or it may not list its accounts. Type the account id: it is on the "
            "overview of your Cloudflare account."
        )
    if len(owners) > 1:
        raise WrongAccount("The token is for several accounts: choose one.", owners)
    return owners[0]


def _nothing() -> None:
    """Whoever has no form has no groups to save."""


def save(
    target: Target,
    *,
    by: Actor,
    changed: Collection[str],
    save_groups: Callable[[], object] = _nothing,
) -> None:
    """Save the target and write on the trail what was changed: the names of the fields alone."""
    is_new = target._state.adding
    if ACCESS.intersection(changed):
        target.checks, target.checked_at = [], None
    with transaction.atomic():
        if target.is_default:
            Target.objects.filter(is_default=True).exclude(pk=target.pk).update(is_default=False)
        target.save()
        save_groups()
        told = "target added" if is_new else "target changed"
        trail.record(told, subject_of(target), by=by, fields=sorted(changed))
        _tell(target, set(changed), by=by)


def _tell(target: Target, changed: set[str], *, by: Actor) -> None:
    subject = subject_of(target)
    if CREDENTIAL in changed:
        trail.record("target token set", subject, by=by)
    if changed & _FREEZE:
        is_set = target.frozen_from is not None
        told = "target freeze set" if is_set else "target freeze lifted"
        trail.record(told, subject, by=by, reason=target.frozen_reason, **_window(target))
    if changed & _PROTECTION:
        groups = list(target.deployers.order_by("name").values_list("name", flat=True))
        trail.record(_protection(target, changed), subject, by=by, groups=groups)


def _protection(target: Target, changed: set[str]) -> str:
    if "protected" not in changed:
        return "target deployers changed"
    return "target protected" if target.protected else "target protection lifted"


def _window(target: Target) -> dict[str, Any]:
    times = {"from": target.frozen_from, "until": target.frozen_until}
    return {name: time.isoformat() if time else None for name, time in times.items()}


def delete(target: Target, *, by: Actor) -> None:
    """Forget the target and its token; its history and its Workers stay."""
    with transaction.atomic():
        trail.record("target deleted", subject_of(target), by=by, account=target.account_id)
        target.delete()


def subject_of(target: Target) -> Subject:
    return Subject("target", str(target.pk), target.name)
