"""What an API token is, and for which accounts: through the official SDK."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import cloudflare

from targets.cloudflare.account import Account, reason
from targets.cloudflare.errors import Cause, DeployError

_REFUSALS: Final = (400, 401, 403)
_UNROUTABLE: Final = (400, 404)


class TokenKind(StrEnum):
    """Whose a token is; each kind is verified at a path of its own."""

    USER = "user token"
    ACCOUNT = "account-owned token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What the target says of a token; `status` is "active", "disabled" or "expired"."""

    kind: TokenKind
    status: str
    expires: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """An account that the token is for."""

    id: str
    name: str

    def __str__(self) -> str:
        return f"{self.name} ({self.id})" if self.name else self.id


def fetch_token(account: Account) -> Token:
    """Return what the token is; raises DeployError of the cause CREDENTIALS for an unknown one.

    Without an account id only a user's token can be asked about.
    """
    with account.explained("verify the API token"):
        try:
            return _token(TokenKind.USER, account.client.user.tokens.verify())
        except cloudflare.APIStatusError as refused:
            if refused.status_code not in _REFUSALS:
                raise
            if not account.account_id:
                raise _unknown(refused) from None
        try:
            mine: Any = account.client.accounts.tokens.verify(account_id=account.account_id)
        except cloudflare.APIStatusError as refused:
            if refused.status_code not in (*_REFUSALS, *_UNROUTABLE):
                raise
            raise _unknown(refused) from None
        return _token(TokenKind.ACCOUNT, mine)


def _token(kind: TokenKind, answer: Any) -> Token:
    status = str(answer.status) if answer else "unknown"
    return Token(kind=kind, status=status, expires=answer.expires_on if answer else None)


def _unknown(refused: cloudflare.APIStatusError) -> DeployError:
    return DeployError(
        f"The target refused the credentials: it does not know this API token ({reason(refused)}). "
        "The token is wrong, was deleted, or belongs to another account than the one whose id is "
        "given. Correct the account id, or set another token.",
        cause=Cause.CREDENTIALS,
    )


def owners(account: Account) -> list[Owner]:
    """Return the accounts that the token is for; none where it may not list them."""
    with account.explained("list the token's accounts"):
        try:
            listed = account.client.accounts.list()
            return [Owner(id=str(one.id), name=str(one.name or "")) for one in listed]
        except (cloudflare.PermissionDeniedError, cloudflare.AuthenticationError):
            return []


def can_read_workers(account: Account) -> bool:
    """Tell whether a token that may list no accounts is for this one: its Workers can be read."""
    with account.explained("read the account's Workers"):
        try:
            account.client.workers.scripts.list(account_id=account.account_id)
        except cloudflare.APIStatusError as refused:
            if refused.status_code not in (*_REFUSALS, *_UNROUTABLE):
                raise
            return False
    return True


def verify(account: Account) -> None:
    """Raise DeployError of the cause CREDENTIALS unless the token is active."""
    status = fetch_token(account).status
    if status != "active":
        raise DeployError(
            f"The API token is {status}, not active. Make a new one on Cloudflare's dashboard "
            "and set it at the target.",
            cause=Cause.CREDENTIALS,
        )


def is_for_other_accounts(account: Account) -> bool:
    """Tell whether the token is for other accounts: one that may list none tells nothing."""
    try:
        ids = [owner.id for owner in owners(account)]
    except DeployError:
        return False
    return bool(ids) and account.account_id not in ids
