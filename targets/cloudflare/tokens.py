"""API tokens: their kind, their status and their accounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import cloudflare

from targets.cloudflare.account import Account, reason
from targets.cloudflare.errors import Cause, DeployError

_REJECTED: Final = (400, 401, 403)
_NOT_FOUND: Final = (400, 404)


class TokenKind(StrEnum):
    """The owner of a token; each kind is verified at a path of its own."""

    USER = "user token"
    ACCOUNT = "account-owned token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token that the target knows; `status` is "active", "disabled" or "expired"."""

    kind: TokenKind
    status: str
    expires: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """An account that the token can access."""

    id: str
    name: str

    def __str__(self) -> str:
        return f"{self.name} ({self.id})" if self.name else self.id


def fetch_token(account: Account) -> Token:
    """Return the token's kind and status; raises DeployError (CREDENTIALS) if it is unknown.

    Without an account id only user tokens can be looked up.
    """
    with account.explained("verify the API token"):
        try:
            return _token(TokenKind.USER, account.client.user.tokens.verify())
        except cloudflare.APIStatusError as error:
            if error.status_code not in _REJECTED:
                raise
            if not account.account_id:
                raise _unknown(error) from None
        try:
            answer: Any = account.client.accounts.tokens.verify(account_id=account.account_id)
        except cloudflare.APIStatusError as error:
            if error.status_code not in (*_REJECTED, *_NOT_FOUND):
                raise
            raise _unknown(error) from None
        return _token(TokenKind.ACCOUNT, answer)


def _token(kind: TokenKind, answer: Any) -> Token:
    status = str(answer.status) if answer else "unknown"
    return Token(kind=kind, status=status, expires=answer.expires_on if answer else None)


def _unknown(error: cloudflare.APIStatusError) -> DeployError:
    return DeployError(
        f"The target rejected the credentials: it does not know this API token ({reason(error)}). "
        "The token is wrong, was deleted, or belongs to another account. Correct the account id, or "
        "set another token.",
        cause=Cause.CREDENTIALS,
    )


def owners(account: Account) -> list[Owner]:
    """Return the accounts that the token can access; empty if it may not list them."""
    with account.explained("list the token's accounts"):
        try:
            accounts = account.client.accounts.list()
            return [Owner(id=str(each.id), name=str(each.name or "")) for each in accounts]
        except (cloudflare.PermissionDeniedError, cloudflare.AuthenticationError):
            return []


def can_read_workers(account: Account) -> bool:
    """Return whether the token can read the account's Workers, and so is for this account."""
    with account.explained("read the account's Workers"):
        try:
            account.client.workers.scripts.list(account_id=account.account_id)
        except cloudflare.APIStatusError as error:
            if error.status_code not in (*_REJECTED, *_NOT_FOUND):
                raise
            return False
    return True


def verify(account: Account) -> None:
    """Raise DeployError (CREDENTIALS) unless the token is active."""
    status = fetch_token(account).status
    if status != "active":
        raise DeployError(
            f"The API token is {status}, not active. Create a new one in the Cloudflare dashboard "
            "and set it on the target.",
            cause=Cause.CREDENTIALS,
        )


def is_for_other_accounts(account: Account) -> bool:
    """Return whether the token is for other accounts; False if it may not list them."""
    try:
        ids = [owner.id for owner in owners(account)]
    except DeployError:
        return False
    return bool(ids) and account.account_id not in ids
