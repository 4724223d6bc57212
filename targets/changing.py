"""Adding and changing targets, for the API and the commands: verified, saved and checked as in the form."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from django.contrib.auth.models import Group

from audit.trail import Actor
from targets.checks import target_checks
from targets.models import Target
from targets.services import (
    ACCESS,
    CREDENTIAL,
    EmbeddedTarget,
    WrongToken,
    as_account_id,
    as_token,
    save,
    verify,
)

_FIXED: Final = ACCESS | {"name"}
_NORMALIZED: Final = {"account_id": as_account_id, CREDENTIAL: as_token}


def change_target(
    target: Target,
    values: Mapping[str, Any],
    *,
    by: Actor,
    deployers: Collection[Group] | None = None,
) -> str:
    """Set fields of a target, which may be new, and check it if its access has changed.

    Returns why the account could not be verified, or "". Raises WrongToken, WrongAccount, WrongUrl,
    EmbeddedTarget, or ValidationError; then nothing is saved.
    """
    if target.embedded and _FIXED.intersection(values):
        raise EmbeddedTarget(f"The account and the name of {target.name} cannot be changed.")
    is_new = target._state.adding
    if is_new and not values.get(CREDENTIAL):
        raise WrongToken("A new target needs an API token.")
    changed = _set(target, values)
    warning = _verify(target, changed)
    target.full_clean(exclude={"is_default"} | ({CREDENTIAL} - changed))
    if is_new:
        changed.add("name")
    if deployers is not None:
        changed.add("deployers")
    if changed:
        save(target, by=by, changed=changed, save_groups=lambda: _set_groups(target, deployers))
    if not warning and ACCESS.intersection(changed):
        target_checks.check(target, by=by)
    return warning


def _set(target: Target, values: Mapping[str, Any]) -> set[str]:
    """Set the values that differ, and return the names of their fields."""
    changed = set()
    for field, given in values.items():
        value = _NORMALIZED[field](given) if given and field in _NORMALIZED else given
        if _differs(target, field, value):
            setattr(target, field, value)
            changed.add(field)
    return changed


def _differs(target: Target, field: str, value: Any) -> bool:
    """A token always counts as changed: it may not be possible to decrypt the stored one."""
    return field == CREDENTIAL or getattr(target, field) != value


def _verify(target: Target, changed: Collection[str]) -> str:
    """Set the token's account on the target; return why it could not be verified, or ""."""
    if not ACCESS.intersection(changed):
        return ""
    if "api_base_url" in changed and CREDENTIAL not in changed:
        raise WrongToken("Pass the token again: the stored one is for another URL.")
    verification = verify(
        api_base_url=target.api_base_url,
        api_token=target.api_token,
        account_id=target.account_id,
    )
    target.account_id = verification.account_id
    return verification.warning


def _set_groups(target: Target, deployers: Collection[Group] | None) -> None:
    if deployers is not None:
        target.deployers.set(deployers)
